def kernels():
    from demo import _C

    return _C
