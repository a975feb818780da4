from demo import _C


def run(input):
    return _C.shift(input)
