"""C++, CUDA and HIP files, read in parallel processes where there are many."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.facts import LaneMask, Location, NativeFile
from opparity.checker.readers.preprocessor import read_directives

if TYPE_CHECKING:
    from opparity.checker.tree import Tree

_LANE_MASK = re.compile(
    r"\b(__(?:shfl(?:_up|_down|_xor)?|ballot|any|all|match_any|match_all)_sync)\s*\(\s*"
    r"(0[xX][fF]{8}[uUlL]*)\s*,"
)


def read_native_files(tree: Tree) -> dict[str, NativeFile]:
    """Return the facts of every C++, CUDA and HIP file of a tree."""
    return {path: read_native_text(path, tree.read_text(path)) for path in tree.native}


def read_native_text(path: str, text: str) -> NativeFile:
    """Return the facts of one file's text."""
    directives = read_directives(path, text)
    masks: list[LaneMask] = []
    for found in _LANE_MASK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        masks.append(
            LaneMask(
                found.group(1),
                found.group(2),
                Location(path, line, column),
                directives.condition_at(line),
            )
        )
    return NativeFile(
        path=path,
        macro_tests=tuple(directives.macro_tests),
        macro_definitions=tuple(directives.macro_definitions),
        lane_masks=tuple(masks),
        includes=tuple(directives.includes),
    )
