"""What is wrong in one place is told once, however many targets, calls and platforms meet it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.facts.platforms import parse_platform
from opparity.checker.results.check import check_project

if TYPE_CHECKING:
    from opparity.checker.rules.findings import Finding, Unknown

PROJECTS = Path(__file__).parents[2] / "projects"


@dataclass(frozen=True)
class More:
    """A project with more of the same, and what its rule says then."""

    project: str
    rule: str
    path: str
    old: str
    new: str
    told: tuple[str, ...]


MODULE = 'CUDAExtension("demo._C", ["csrc/bindings.cpp", "csrc/kernels.cu"]),'
EMPTY = "kernel_has_no_body_left_for_rocm"
ADMITTED = "guard_admits_rocm_but_only_cuda_registers"
CASES = {
    "a second module of the same sources": More(
        project=EMPTY,
        rule="BLD011",
        path="setup.py",
        old=MODULE,
        new=f"{MODULE}\n        {MODULE.replace('demo._C', 'demo._D')}",
        told=("rocm csrc/kernels.cu:3 gelu_kernel",),
    ),
    "a kernel beside the function that launches it": More(
        project=EMPTY,
        rule="BLD011",
        path="csrc/kernels.cu",
        old="  gelu_kernel<<<1, 32>>>(out.data_ptr<float>(), input.data_ptr<float>(), 32);\n",
        new="#ifndef USE_ROCM\n  gelu_kernel<<<1, 32>>>(nullptr, nullptr, 32);\n#endif\n",
        told=("rocm csrc/kernels.cu:11 _C::gelu_and_mul",),
    ),
    "a kernel of another file than the emptied function": More(
        project=EMPTY,
        rule="BLD011",
        path="csrc/bindings.cpp",
        old="TORCH_LIBRARY(_C, ops) {\n",
        new=(
            "void second(torch::Tensor& out) {\n#ifndef USE_ROCM\n  out.zero_();\n#endif\n}\n"
            'TORCH_LIBRARY(_C, ops) {\n  ops.def("second(Tensor! out) -> ()", &second);\n'
        ),
        told=("rocm csrc/bindings.cpp:5 _C::second", "rocm csrc/kernels.cu:3 gelu_kernel"),
    ),
    "two calls in one function, and one in another": More(
        project=ADMITTED,
        rule="CAL003",
        path="demo/layers.py",
        old="            self.op = torch.ops._C.silu_and_mul_quant\n",
        new=(
            "            self.op = torch.ops._C.silu_and_mul_quant\n"
            "            self.again = torch.ops._C.silu_and_mul_quant\n"
            "\n    def other(self, x):\n        if current_platform.is_cuda_alike():\n"
            "            torch.ops._C.silu_and_mul_quant(x, x, x)\n"
        ),
        told=(
            "rocm demo/layers.py:9 _C::silu_and_mul_quant",
            "rocm demo/layers.py:10 _C::silu_and_mul_quant",
            "rocm demo/layers.py:14 _C::silu_and_mul_quant",
        ),
    ),
    "a wrapper, and who calls it": More(
        project=ADMITTED,
        rule="CAL003",
        path="demo/layers.py",
        old="class SiluAndMulQuant:\n",
        new=(
            "def quantise(x):\n    if current_platform.is_cuda_alike():\n"
            "        torch.ops._C.silu_and_mul_quant(x, x, x)\n\n\n"
            "def forward(x):\n    if current_platform.is_cuda_alike():\n        quantise(x)\n\n\n"
            "class SiluAndMulQuant:\n"
        ),
        told=(
            "rocm demo/layers.py:13 _C::silu_and_mul_quant",
            "rocm demo/layers.py:19 _C::silu_and_mul_quant",
        ),
    ),
    "two calls of an operator without a fake": More(
        project="one_operator_lacks_the_fake_that_its_neighbours_have",
        rule="DEF008",
        path="demo/ops.py",
        old="    return torch.ops.demo.spread(input)\n",
        new=(
            "    return torch.ops.demo.spread(torch.ops.demo.spread(input))\n\n\n"
            "def again(input):\n    return torch.ops.demo.spread(input)\n"
        ),
        told=("everywhere csrc/bindings.cpp:8 demo::spread",),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_more_of_the_same_is_told_where_it_stands_and_once(case: More, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    shutil.copytree(PROJECTS / case.project, root)
    expected = json.loads((root / "expected.json").read_text())
    (root / "expected.json").unlink()
    text = (root / case.path).read_text()
    assert case.old in text
    (root / case.path).write_text(text.replace(case.old, case.new))
    platforms = [parse_platform(name) for name in expected["platforms"]]
    check = check_project(Analysis(read_project(root, platforms)))
    results: list[Finding | Unknown] = [*check.findings, *check.unknowns]
    told = [
        f"{each.platform or 'everywhere'} {each.location.path}:{each.location.line} "
        f"{each.operator or each.symbol}"
        for each in results
        if each.rule == case.rule
    ]
    assert sorted(told) == sorted(case.told)
