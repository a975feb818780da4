from demo import _C


def scale(input):
    return _C.scale(input)
