from ._core import fold  # noqa: F401
