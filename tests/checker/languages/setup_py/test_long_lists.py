"""Lists of hundreds of sources in a build script: what they cost, and what is left of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.platforms import Platform
from opparity.checker.languages.setup_py.reader import read_setup_scripts
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import glob, os
from setuptools import setup
from torch.utils.cpp_extension import CUDAExtension

every = glob.glob(os.path.join("csrc", "**", "*.cu"), recursive=True)
kernels = glob.glob(os.path.join("csrc", "kernels", "*.cu"))
rest = list(set(every) - set(kernels)) + list(set(every) & {"csrc/kernels/k7.cu"})
rest += sorted(set(kernels) - set(kernels[1:]) - {os.environ.get("LEFT_OUT")})
setup(ext_modules=[CUDAExtension("demo", sources=rest)])
"""


def test_lists_of_hundreds_of_files_are_taken_from_each_other(tmp_path: Path) -> None:
    (tmp_path / "csrc/kernels").mkdir(parents=True)
    for number in range(700):
        (tmp_path / f"csrc/kernels/k{number}.cu").touch()
    (tmp_path / "csrc/ops.cu").touch()
    (tmp_path / "setup.py").write_text(SCRIPT)
    (build,) = read_setup_scripts(open_tree(tmp_path), [Platform("cuda")])
    assert build.problems == ()
    (target,) = build.targets
    assert {source.path for source in target.sources} == {
        "csrc/ops.cu",
        "csrc/kernels/k7.cu",
        "csrc/kernels/k0.cu",
    }
