from .builder import CUDAOpBuilder


class AsyncIOBuilder(CUDAOpBuilder):
    NAME = "async_io"

    def __init__(self):
        super().__init__(name=self.NAME)

    def lib_sources(self):
        return ["csrc/aio/handle.cpp", "csrc/aio/thread.cpp", "csrc/aio/description.cpp"]

    def sources(self):
        return self.lib_sources() + ["csrc/aio/bindings.cpp"]
