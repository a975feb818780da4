"""What a check says it is based on, and that ignorance is never clean."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from checker.trees_on_disk import write_folder
from opparity.command_line import application
from opparity.endings import ExitStatus

if TYPE_CHECKING:
    from pathlib import Path

BINDINGS = b"""#include <torch/library.h>
at::Tensor turn(const at::Tensor& x);
TORCH_LIBRARY(demo, m) {
  m.def("turn(Tensor x) -> Tensor");
  m.impl("turn", torch::kCUDA, &turn);
}
PyMODINIT_FUNC PyInit__C() { return PyModule_Create(&definition); }
"""
KERNEL = b"#include <torch/library.h>\nat::Tensor turn(const at::Tensor& x) { return x; }\n"
SETUP = b"""from setuptools import setup
from torch.utils.cpp_extension import CUDAExtension
setup(name="demo", ext_modules=[CUDAExtension("demo._C", %s)])
"""
LISTED = SETUP % b'["csrc/bindings.cpp", "csrc/turn.cu"]'
TREE = {"setup.py": LISTED, "csrc/bindings.cpp": BINDINGS, "csrc/turn.cu": KERNEL}


def check(root: Path, files: dict[str, bytes], *options: str) -> tuple[int, dict[str, Any]]:
    write_folder(root, files)
    result = CliRunner().invoke(
        application, ["check", str(root), "--output-format", "json", *options]
    )
    return result.exit_code, json.loads(result.stdout)


def test_a_check_says_what_it_is_based_on(tmp_path: Path) -> None:
    script = b"import torch\nfrom demo import _C\ndef f(x):\n    return torch.ops.demo.turn(x)\n"
    status, document = check(tmp_path, {**TREE, "demo/__init__.py": script})
    assert status == ExitStatus.CLEAN
    basis = document["basis"]
    assert [(each["name"], each["sources"]) for each in basis["extensions"]] == [("demo._C", 2)]
    assert basis["sources"] == {"compiled": 2, "in_tree": 2}
    assert (basis["registrations"], basis["operators"], basis["calls"]) == (2, 1, 1)
    assert basis["compiled_at_run_time"] == {"sources": [], "by": []}
    assert not any(basis["not_followed"].values())


def test_a_source_in_no_list_is_named(tmp_path: Path) -> None:
    _, document = check(tmp_path, {**TREE, "csrc/more.cu": b"void more() {}\n"})
    assert document["basis"]["sources"] == {"compiled": 2, "in_tree": 3}
    assert document["basis"]["not_followed"]["sources_in_no_list"] == ["csrc/more.cu"]


def test_a_list_that_was_not_worked_out_is_named(tmp_path: Path) -> None:
    script = b"import requests\n" + SETUP % b'["csrc/turn.cu", *requests.get("x").json()]'
    _, document = check(tmp_path, {**TREE, "setup.py": script})
    (one,) = document["basis"]["not_followed"]["lists"]
    assert (one["name"], one["path"], one["is_complete"]) == ("demo._C", "setup.py", None)


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        (b"  REGISTER_OPS(m);", "REGISTER_OPS"),
        (b"  register_generated(m);", "register_generated"),
        (b"  m.def(name_of(3));", "name_of(3)"),
    ],
)
def test_a_registration_by_what_is_not_known_is_named(
    tmp_path: Path, statement: bytes, name: str
) -> None:
    bindings = BINDINGS.replace(b"}\n", statement + b"\n}\n")
    _, document = check(tmp_path, {**TREE, "csrc/bindings.cpp": bindings})
    (one,) = document["basis"]["not_followed"]["registrations"]
    assert one == {"name": name, "path": "csrc/bindings.cpp", "line": 6}


def test_calls_of_what_nobody_here_registers_are_named_and_torchs_own_are_not(
    tmp_path: Path,
) -> None:
    script = b"import torch\ndef f(x):\n    torch.ops.aten.add(x, x)\n    torch.ops.other.spin(x)\n"
    _, document = check(tmp_path, {**TREE, "demo/layers.py": script})
    assert document["basis"]["not_followed"]["operators"] == [
        {"operator": "other::spin", "path": "demo/layers.py"}
    ]


@pytest.mark.parametrize(
    "script",
    [
        b'from torch.utils.cpp_extension import load_inline\nM = load_inline(name="m")\n',
        b"from cuda.bindings import nvrtc\nnvrtc.nvrtcCreateProgram(SOURCE)\n",
        b"import cupy\nK = cupy.RawModule(code=SOURCE)\n",
        b"import tvm_ffi.cpp\ntvm_ffi.cpp.load_inline(SOURCE)\n",
    ],
)
def test_sources_that_are_compiled_at_run_time_are_counted_and_no_finding(
    tmp_path: Path, script: bytes
) -> None:
    files = {"demo/kernel.cu": KERNEL, "demo/jit.py": b'SOURCE = open("kernel.cu")\n' + script}
    status, document = check(tmp_path, files, "--strict")
    assert status == ExitStatus.CLEAN
    assert document["basis"]["compiled_at_run_time"] == {
        "sources": ["demo/kernel.cu"],
        "by": ["demo/jit.py"],
    }
    assert document["basis"]["not_followed"]["sources_in_no_list"] == []


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({"csrc/bindings.cpp": BINDINGS, "csrc/turn.cu": KERNEL}, "csrc/bindings.cpp"),
        ({"csrc/turn.cu": KERNEL}, "csrc/turn.cu"),
        ({**TREE, "setup.py": SETUP % b"unknown_function()"}, "setup.py"),
        ({**TREE, "setup.py": b"from setuptools import setup\nsetup(name='demo'\n"}, "setup.py"),
        ({"setup.py": b"def f(:\n"}, "setup.py"),
    ],
)
def test_a_tree_of_whose_build_nothing_was_understood_is_a_warning(
    tmp_path: Path, files: dict[str, bytes], path: str
) -> None:
    status, document = check(tmp_path, files)
    assert status == ExitStatus.FINDINGS
    warnings = [(each["rule"], each["severity"], each["path"]) for each in document["findings"]]
    assert warnings == [("INP002", "warning", path)]


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"README.md": b"# Nothing\n"},
        {"pyproject.toml": b"[project]\nname = 'x'\n", "x/__init__.py": b"import torch\n"},
    ],
)
def test_a_tree_with_nothing_to_check_is_not_checked(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    write_folder(tmp_path, files)
    result = CliRunner().invoke(application, ["check", str(tmp_path)])
    assert result.exit_code == ExitStatus.NOT_CHECKED
    for looked_for in ("C++", "CMakeLists.txt", "setup.py", "torch.ops"):
        assert looked_for in result.stderr


def test_python_that_calls_operators_is_enough_to_check(tmp_path: Path) -> None:
    status, document = check(tmp_path, {"a.py": b"import torch\nf = torch.ops.demo.turn.default\n"})
    assert status == ExitStatus.CLEAN
    assert document["basis"]["extensions"] == []
