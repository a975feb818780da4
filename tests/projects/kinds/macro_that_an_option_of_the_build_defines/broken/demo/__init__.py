from demo import _C


def is_for_npus():
    return _C.is_for_npus()
