from .builder import NPUOpBuilder


class AsyncIOBuilder(NPUOpBuilder):
    NAME = "async_io"

    def __init__(self):
        super().__init__(name=self.NAME)

    def sources(self):
        return super().sources() + [
            "csrc/aio/bindings.cpp",
            "csrc/aio/handle.cpp",
            "csrc/aio/thread.cpp",
        ]
