from demo import _ext


def norm(x):
    _ext.norm_(x, epsilon=1e-6)
    _ext.norm_(x, 1e-6, True)
    _ext.norm_(x)
