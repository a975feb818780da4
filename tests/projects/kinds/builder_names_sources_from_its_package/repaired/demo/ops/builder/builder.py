from torch.utils.cpp_extension import load


class OpBuilder:
    def absolute_name(self):
        raise NotImplementedError

    def sources(self):
        raise NotImplementedError


class CUDAOpBuilder(OpBuilder):
    pass
