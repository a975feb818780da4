from demo import _C


def run(count):
    return _C.count(count) + _C.count_on_heap(count) + _C.count_shared(count) + _C.count_braced(count)
