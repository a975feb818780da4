from . import _C


def scale(input, factor):
    return _C.scale(input, factor)
