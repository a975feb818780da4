from ..builder import NPUOpBuilder


class AsyncIOBuilder(NPUOpBuilder):
    NAME = "async_io"

    def __init__(self):
        super().__init__(name=self.NAME)

    def sources(self):
        return ["csrc/aio/py_ds_aio.cpp", "csrc/aio/io_handle.cpp", "csrc/aio/io_op_desc.cpp"]
