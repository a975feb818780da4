from demo import _C, _D


def run(packed):
    return _D.unpack_all(_C.unpack(packed, 4))
