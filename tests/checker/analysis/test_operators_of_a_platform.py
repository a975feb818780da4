"""What a platform has of an operator, by what its list holds and how far that could be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checker.trees_on_disk import write_folder
from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.platforms import Platform
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = {
    "csrc/a.cpp": """#include <torch/library.h>
at::Tensor one(const at::Tensor& x) { return x; }
TORCH_LIBRARY(demo, m) {
  m.def("one(Tensor x) -> Tensor");
  m.impl("one", torch::kCUDA, &one);
  m.impl("one", torch::kCPU, &one);
#ifdef USE_ROCM
  m.def("two(Tensor x) -> Tensor", &one);
#endif
#ifdef NOBODY_SETS_THIS
  m.def("three(Tensor x) -> Tensor", &one);
#endif
}
""",
    "csrc/b.cpp": """#include <torch/library.h>
at::Tensor four(const at::Tensor& x) { return x; }
TORCH_LIBRARY_FRAGMENT(demo, m) { m.def("four(Tensor x) -> Tensor", &four); }
""",
}
HEAD = "import json, sys, torch\nfrom torch.utils.cpp_extension import CUDAExtension\n"
WHOLE = "['csrc/a.cpp']"
OPEN = "['csrc/a.cpp', *json.load(open('/etc/sources.json'))]"
PERHAPS = "['csrc/a.cpp'] + (['csrc/b.cpp'] if 'more' in sys.argv[1] else [])"
OF_CUDA = "['csrc/a.cpp'] + ([] if torch.version.hip else ['csrc/b.cpp'])"
YES, NO, UNKNOWN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN


def read(root: Path, sources: str) -> Analysis:
    script = f"{HEAD}CUDAExtension('demo._C', {sources})\n"
    files = {"setup.py": script, **SOURCES}
    write_folder(root, {path: text.encode() for path, text in files.items()})
    return Analysis(read_project(open_tree(root), [Platform("cuda"), Platform("rocm")]))


# The list, the operator, what CUDA has and what ROCm has.
CASES = [
    (WHOLE, "demo::one", YES, YES),
    (WHOLE, "demo::two", NO, YES),
    (WHOLE, "demo::four", NO, NO),
    (WHOLE, "demo::nobodys", NO, NO),
    (WHOLE, "other::one", UNKNOWN, UNKNOWN),
    (OPEN, "demo::one", YES, YES),
    (OPEN, "demo::two", UNKNOWN, YES),
    (OPEN, "demo::four", UNKNOWN, UNKNOWN),
    (OPEN, "demo::nobodys", UNKNOWN, UNKNOWN),
    (PERHAPS, "demo::four", UNKNOWN, UNKNOWN),
    (PERHAPS, "demo::nobodys", NO, NO),
    (OF_CUDA, "demo::four", YES, NO),
]


@pytest.mark.parametrize(("sources", "name", "cuda", "rocm"), CASES)
def test_an_operator_is_there_as_far_as_the_list_says(
    tmp_path: Path, sources: str, name: str, cuda: Truth, rocm: Truth
) -> None:
    operators = read(tmp_path, sources).operators
    found = [operators.exists(Platform(each), name) for each in ("cuda", "rocm")]
    assert found == [cuda, rocm]


@pytest.mark.parametrize(("sources", "is_open"), [(WHOLE, False), (OPEN, True), (PERHAPS, False)])
def test_what_a_list_leaves_open_is_open_for_its_own_namespaces(
    tmp_path: Path, sources: str, is_open: bool
) -> None:
    operators, cuda = read(tmp_path, sources).operators, Platform("cuda")
    assert [operators.is_open(cuda, each) for each in ("_C::x", "demo::x")] == [is_open] * 2
    assert operators.is_open(cuda, "other::one") is False
    assert operators.keys(cuda, "demo::one") == {"CUDA", "CPU"}
    assert operators.keys(cuda, "demo::two") == frozenset()
    assert len(operators.definitions(cuda, "demo::one")) == 1
    assert [operators.is_ours(each) for each in ("demo::one", "demo::nobodys")] == [True, False]
