"""What a test reads of a mock that stands for a module is no name that the module lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checker.trees_on_disk import write_folder
from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.results.check import check_project

if TYPE_CHECKING:
    from pathlib import Path

BINDINGS = b"""#include <torch/extension.h>

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("shift_rows", [](at::Tensor x) { return x; });
  m.def("scale_rows", [](at::Tensor x) { return x; });
  m.def("fold_rows", [](at::Tensor x) { return x; });
  m.def("turn_rows", [](at::Tensor x) { return x; });
  m.def("copy_rows", [](at::Tensor x) { return x; });
  m.def("swap_rows", [](at::Tensor x) { return x; });
}
"""
SETUP = b"""from torch.utils.cpp_extension import CUDAExtension
setup(name="demo", ext_modules=[CUDAExtension("demo._C", ["csrc/bindings.cpp"])])
"""
TEST = b"""def test(mock):
    mock.shift_rows(1)
    mock.scale_rows(1)
    mock.fold_rows(1)
    mock.turn_rows(1)
    mock.copy_rows(1)
    mock.swap_rows(1)
    mock.%s()
"""


def reads_of_nothing(root: Path, name: bytes) -> list[str]:
    files = {"csrc/bindings.cpp": BINDINGS, "setup.py": SETUP, "demo/try_rows.py": TEST % name}
    write_folder(root, files)
    findings = check_project(Analysis(read_project(root))).findings
    return [each.symbol for each in findings if each.rule == "CAL010"]


def test_a_name_of_mocks_is_not_one_that_the_module_lacks(tmp_path: Path) -> None:
    assert reads_of_nothing(tmp_path / "mock", b"reset_mock") == []
    assert reads_of_nothing(tmp_path / "called", b"assert_called_once") == []
    assert reads_of_nothing(tmp_path / "other", b"grow_rows") == ["grow_rows"]
