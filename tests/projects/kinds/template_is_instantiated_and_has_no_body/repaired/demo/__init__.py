from demo import _C


def scale(input, output):
    return _C.scale(input, output)
