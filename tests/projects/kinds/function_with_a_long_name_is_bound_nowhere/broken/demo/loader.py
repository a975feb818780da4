def plugin():
    from demo import _C

    return _C
