from setuptools import setup
from torch.utils import cpp_extension

setup(
    name="exllama",
    ext_modules=[
        cpp_extension.CUDAExtension(
            "exllama_ext",
            [
                "exllama_ext/ext_bindings.cpp",
                "exllama_ext/ext_norm.cpp",
                "exllama_ext/cpp/sampling.cpp",
                'exllama_ext/cpp/sampling_avx2.cpp', 
            ],
        )
    ],
    cmdclass={"build_ext": cpp_extension.BuildExtension},
)
