from demo import _C


def equal(first, second):
    return _C.addresses_are_equal(first, second)
