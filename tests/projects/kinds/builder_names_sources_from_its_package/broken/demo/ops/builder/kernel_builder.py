from .builder import CUDAOpBuilder


class KernelBuilder(CUDAOpBuilder):
    NAME = "kernels"

    def absolute_name(self):
        return f"op_builder.{self.NAME}"

    def sources(self):
        return ["csrc/bindings.cpp"]
