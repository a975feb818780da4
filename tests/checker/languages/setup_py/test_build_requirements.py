"""What a build in isolation lacks of what setup.py imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checker.trees_on_disk import write_folder
from opparity.checker.languages.setup_py.build_requirements import missing_torch
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from pathlib import Path

    from opparity.checker.facts.builds import MissingTorch

PYPROJECT = '[project]\nname = "demo"\n\n[build-system]\nrequires = ["setuptools"]\n'
CAUGHT = "try:\n    import torch\nexcept {}:\n    {}\n"


def missing(root: Path, script: str, pyproject: str = PYPROJECT) -> MissingTorch | None:
    write_folder(root, {"a/setup.py": script.encode(), "a/pyproject.toml": pyproject.encode()})
    return missing_torch(open_tree(root), "a/setup.py")


@pytest.mark.parametrize(
    ("script", "is_caught", "line"),
    [
        ("import os\nimport torch\n", False, 2),
        ("from torch.utils.cpp_extension import CUDAExtension\n", False, 1),
        ("def extensions():\n    import torch.cuda as device\n", False, 2),
        (CAUGHT.format("ImportError", "torch = None"), True, 2),
        (CAUGHT.format("(OSError, ModuleNotFoundError)", "pass"), True, 2),
        (CAUGHT.format("Exception as error", "print(error)"), True, 2),
        (CAUGHT.format("ImportError", "raise SystemExit('torch first')"), False, 2),
        (CAUGHT.format("ImportError", "sys.exit(1)"), False, 2),
        (CAUGHT.format("OSError", "pass"), False, 2),
        ("try:\n    import numpy\nexcept ImportError:\n    import torch\n", False, 4),
        (CAUGHT.format("ImportError", "pass") + "def late():\n    import torch\n", False, 6),
    ],
)
def test_an_import_of_torch_is_missing_where_nothing_requires_it(
    script: str, is_caught: bool, line: int, tmp_path: Path
) -> None:
    found = missing(tmp_path, script)
    assert found is not None
    assert (found.is_caught, found.imported.path, found.imported.line) == (
        is_caught,
        "a/setup.py",
        line,
    )
    assert (found.required.path, found.required.line) == ("a/pyproject.toml", 5)


@pytest.mark.parametrize(
    ("script", "pyproject"),
    [
        ("import torchvision_of_ours\n", PYPROJECT),
        ("from .torch import here\n", PYPROJECT),
        ("import torch\nsetup(setup_requires=['torch>=2'])\n", PYPROJECT),
        ("import torch\n", PYPROJECT.replace('"setuptools"', '"setuptools", "torch>=2.6"')),
        ("import torch\n", PYPROJECT.replace('"setuptools"', '"Torch==2.11; os_name == 0"')),
        ("import torch\n", PYPROJECT + 'build-backend = "scikit_build_core.build"\n'),
        ("import torch\n", PYPROJECT + 'build-backend = "own"\nbackend-path = ["."]\n'),
        ("import torch\n", '[project]\nname = "demo"\n'),
        ("import torch\n", "[build-system\n"),
        ("import torch (\n", PYPROJECT),
    ],
)
def test_nothing_is_missing_where_it_is_required_or_nobody_knows(
    script: str, pyproject: str, tmp_path: Path
) -> None:
    assert missing(tmp_path, script, pyproject) is None
