from demo import _C  # noqa: F401
