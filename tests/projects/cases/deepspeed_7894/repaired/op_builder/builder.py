class OpBuilder:
    NAME = ""

    def __init__(self, name):
        self.name = name

    def absolute_name(self):
        return f"little.ops.{self.NAME}_op"

    def sources(self):
        return []

    def builder(self):
        from torch.utils.cpp_extension import CppExtension
        return CppExtension(name=self.absolute_name(), sources=self.sources())


class CUDAOpBuilder(OpBuilder):
    pass


class NPUOpBuilder(OpBuilder):
    pass
