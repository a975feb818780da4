"""What a target compiles: its sources, the headers that they see, and the macros in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checker.trees_on_disk import write_folder
from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.facts.conditions import Defined, Truth
from opparity.checker.facts.platforms import Platform

if TYPE_CHECKING:
    from pathlib import Path

    from opparity.checker.analysis.linking import Link

TREE = {
    "setup.py": b"from setuptools import setup\n"
    b"from torch.utils.cpp_extension import CUDAExtension\n"
    b'setup(ext_modules=[CUDAExtension("demo._C", ["csrc/ops.cu"])])\n',
    "csrc/ops.cu": b'#include "near.h"\n#ifdef NEVER\n#include "hidden.h"\n#endif\nvoid run() {}\n',
    "csrc/near.h": b'#include "../include/far.h"\nvoid run();\n',
    "csrc/hidden.h": b"void hide();\n",
    "include/far.h": b"inline void far() {}\n",
}


def link_of(root: Path, platform: str) -> Link:
    write_folder(root, TREE)
    analysis = Analysis(read_project(root, [Platform(platform)]))
    (link,) = analysis.linker.links_on(Platform(platform))
    return link


def test_headers_are_compiled_with_a_source_and_are_listed_nowhere(tmp_path: Path) -> None:
    link = link_of(tmp_path, "cuda")
    assert [(part.file.path, part.is_listed) for part in link.compiled] == [
        ("csrc/ops.cu", True),
        ("csrc/near.h", False),
        ("include/far.h", False),
    ]
    assert {name for name, found in link.definitions.items() if found} == {"run", "far"}


@pytest.mark.parametrize(
    ("macro", "cuda", "rocm"),
    [
        ("__CUDACC__", Truth.TRUE, Truth.FALSE),
        ("__NVCC__", Truth.TRUE, Truth.FALSE),
        ("USE_ROCM", Truth.FALSE, Truth.TRUE),
        ("__HIPCC__", Truth.FALSE, Truth.TRUE),
        ("_WIN32", Truth.FALSE, Truth.FALSE),
        ("NOBODY_DEFINES_THIS", Truth.FALSE, Truth.FALSE),
    ],
)
def test_a_macro_of_a_compiler_is_there_on_its_platform(
    macro: str, cuda: Truth, rocm: Truth, tmp_path: Path
) -> None:
    for platform, wanted in (("cuda", cuda), ("rocm", rocm)):
        source, *_ = link_of(tmp_path, platform).compiled
        assert source.truth(Defined(macro)) is wanted, platform
