from torch.utils.cpp_extension import CppExtension

modules = [CppExtension("demo._C", ["csrc/bindings.cpp", "csrc/fold.cpp", "csrc/turn.cpp"])]
