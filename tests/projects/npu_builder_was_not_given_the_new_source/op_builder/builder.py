class OpBuilder:
    def __init__(self, name):
        self.name = name

    def absolute_name(self):
        return f"demo.ops.{self.name}_op"

    def sources(self):
        raise NotImplementedError

    def builder(self):
        from torch.utils.cpp_extension import CppExtension

        return CppExtension(name=self.absolute_name(), sources=[s for s in self.sources() if s])


class CUDAOpBuilder(OpBuilder):
    def builder(self):
        from torch.utils.cpp_extension import CUDAExtension

        return CUDAExtension(name=self.absolute_name(), sources=self.sources())
