from demo import _C


def scale(x, factor):
    return _C.scale_rows(x, factor)
