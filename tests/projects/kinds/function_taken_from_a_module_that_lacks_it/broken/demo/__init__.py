from demo.packing import packed  # noqa: F401
