"""Whole trees as hypothesis makes and shrinks them, and what must hold of each."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from hypothesis import strategies as st

from checker.fuzzing import fragments
from hostile_text import assert_harmless, assert_plain, commands_in
from opparity.checker import bounds
from opparity.checker.reports import OutputFormat, renderer
from opparity.checker.results.basis import refuse_nothing
from opparity.checker.results.configured_tree import open_configured
from opparity.checker.results.inspection import inspect_tree
from opparity.checker.results.request import request_of
from opparity.checker.tree.contents import Tree
from opparity.checker.tree.names import inside
from opparity.errors import OpparityError
from processor_time import ENDLESS

if TYPE_CHECKING:
    from pathlib import Path

    from opparity.checker.results.report import Report

Files = dict[str, str]
ORDINARY: Files = {
    "CMakeLists.txt": "project(x LANGUAGES CXX CUDA)\nadd_library(_C MODULE a.cu b.cpp)\n",
    "a.cu": "void x() {}\n",
    "b.cpp": 'TORCH_LIBRARY(_C, m) { m.def("x() -> ()"); m.impl("x", &x); }\n',
    "x/ops.py": "import torch\ntorch.ops._C.x()\n",
}
_PIECES = {
    "CMakeLists.txt": fragments.CMAKE,
    "sub/CMakeLists.txt": fragments.CMAKE,
    "a.cmake": fragments.CMAKE,
    "setup.py": fragments.SETUP,
    "a.cu": fragments.NATIVE,
    "b.cpp": fragments.NATIVE,
    "a.h": fragments.NATIVE,
    "x/ops.py": fragments.PYTHON,
    "x/__init__.py": fragments.PYTHON,
    "build.toml": fragments.TOML,
    "pyproject.toml": fragments.TOML,
    "opparity.toml": fragments.SETTINGS,
    "ops.json": fragments.JSON,
}


def _texts(pieces: list[str]) -> st.SearchStrategy[str]:
    """Return texts of pieces, some of which come many times, with odd numbers for N."""
    piece = st.sampled_from(pieces)
    many = st.builds(lambda text, count: text * count, piece, st.sampled_from([2, 10, 300]))
    body = st.lists(st.one_of(piece, piece, many), max_size=25).map("".join)
    return st.builds(lambda text, number: _NUMBER.sub(number, text), body, _NUMBERS)


_NUMBER = re.compile(r"\bN\b")
_NUMBERS = st.sampled_from(fragments.NUMBERS)


@st.composite
def trees(draw: st.DrawFn) -> Files:
    """Return an ordinary extension of which one file or more is something else."""
    files = dict(ORDINARY)
    for path in draw(st.lists(st.sampled_from(sorted(_PIECES)), min_size=1, max_size=3)):
        files[path] = draw(_texts(_PIECES[path]))
    for path in draw(st.lists(st.sampled_from(fragments.ODD_NAMES), max_size=2)):
        files[path] = draw(_texts(fragments.NATIVE))
    return files


def tree_of(files: Files) -> Tree:
    """Return a tree as it would be read from a folder."""
    named = {inside(path): text.encode("utf-8", "surrogatepass") for path, text in files.items()}
    places = {path: content for path, content in named.items() if path is not None}
    return Tree("fuzzed", {path: places[path] for path in sorted(places)})


def assert_sound(files: Files, folder: Path, further: int = ENDLESS) -> Report | None:
    """Check a tree, and state that each format shows it as text; None where it is refused.

    Whatever takes more than its bounds is one of the report's unknowns; of trees as small as these
    none may.

    Args:
        files: the tree's files.
        folder: an empty one, in no project.
        further: how many bytes larger the tree is taken to be, for more time than a user's has.
    """
    try:
        with bounds.watched():
            tree = tree_of(files)
            bounds.allow(further + sum(map(len, files.values())))
            _, configuration = open_configured(folder, None, lambda *_: tree)
            report = inspect_tree(tree, request_of(configuration))
            refuse_nothing(report.basis)
            texts = {each: renderer(each)(report) for each in OutputFormat}
    except bounds.TreeTooCostly:
        raise
    except OpparityError:
        return None
    costly = {"unread.costly", "unread.rule"}
    assert not [each for each in report.unknowns if each.statement.key in costly]
    assert_plain(texts[OutputFormat.TEXT])
    assert_plain(texts[OutputFormat.MARKDOWN])
    assert_harmless(texts[OutputFormat.MARKDOWN])
    for name in (OutputFormat.JSON, OutputFormat.SARIF):
        json.loads(texts[name])
        assert commands_in(texts[name]) == []
    ET.fromstring(texts[OutputFormat.JUNIT])  # noqa: S314 -- this is our own
    assert len(commands_in(texts[OutputFormat.GITHUB])) == len(report.entries) + len(report.doubts)
    return report
