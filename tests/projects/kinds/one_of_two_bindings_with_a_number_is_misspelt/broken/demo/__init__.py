from demo import _C


def load(array):
    return _C.array2tensor(array)
