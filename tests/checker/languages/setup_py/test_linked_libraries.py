"""What an extension links may define what its sources lack, if it is of the tree or not known."""

from __future__ import annotations

import pytest

from opparity.checker.facts.platforms import Platform
from opparity.checker.results.inspection import inspect_tree
from opparity.checker.results.request import Request
from opparity.checker.tree.contents import Tree

SETUP = """import os
from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension
setup(name="demo", ext_modules=[CUDAExtension("demo._C", ["bindings.cpp"], {keywords})],
      cmdclass={{"build_ext": BuildExtension}})
"""
FILES = {
    "bindings.cpp": "#include <torch/extension.h>\nvoid shift(at::Tensor x);\n"
    'PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("shift", &shift); }\n',
    "native/shift.cpp": "#include <torch/extension.h>\nvoid shift(at::Tensor x) {}\n",
    "demo/__init__.py": "from demo import _C\n_C.shift(1)\n",
}
MAY_DEFINE = [
    'libraries=["shift"], library_dirs=["native"]',
    'libraries=["custom_kernels"], library_dirs=["native"]',
    'libraries=["hip_ops"], library_dirs=["native"]',
    'libraries=["shift"], library_dirs=["."]',
    'libraries=["shift"], library_dirs=[os.environ["SHIFT"]]',
    'libraries=[os.environ["LIB"]], library_dirs=["native"]',
    'extra_objects=["libshift.a"]',
    'extra_objects=["native/libshift.a"]',
    'extra_link_args=["-Lnative", "-lshift"]',
    'extra_link_args=["-L", "native", "-l", "shift"]',
]
DOES_NOT = [
    "libraries=[]",
    'libraries=["cudart", "cublasLt"], library_dirs=["native"]',
    'libraries=["cuda"], library_dirs=[os.environ["CUDA_HOME"]]',
    'extra_link_args=["-lcuda"]',
]


def said(keywords: str) -> tuple[set[str], set[str]]:
    files = {**FILES, "setup.py": SETUP.format(keywords=keywords)}
    tree = Tree("demo", {path: text.encode() for path, text in sorted(files.items())})
    report = inspect_tree(tree, Request(platforms=(Platform("cuda"),)))
    findings = {each.rule for each in report.findings}
    return findings & {"BLD001", "BLD002"}, {each.rule for each in report.unknowns}


@pytest.mark.parametrize("keywords", MAY_DEFINE)
def test_a_library_may_define_it(keywords: str) -> None:
    findings, unknowns = said(keywords)
    assert findings == set()
    assert unknowns & {"BLD001", "BLD002"}


@pytest.mark.parametrize("keywords", DOES_NOT)
def test_no_library_of_a_toolkit_does(keywords: str) -> None:
    findings, _ = said(keywords)
    assert findings
