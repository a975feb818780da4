"""Definitions whose namespace and schema are put together from the tree's constants."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from checker.trees_on_disk import write_folder
from opparity.checker.languages.python.parsing import Leads, read_module
from opparity.checker.languages.python.reader import PythonReader
from opparity.checker.languages.python.templates import filled, template_of
from opparity.checker.languages.workers import Workers
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from pathlib import Path

REGISTRATION = b"""import torch
from pkg import names
from pkg.space import NAMESPACE
def load():
    \"\"\"Make torch.ops.demo complete.\"\"\"
    library = torch.library.Library(NAMESPACE, "FRAGMENT")
    library.define(f"{names.SCALE}{names.SCHEMA}")
    library.define(names.SCALE + "_of_two" + names.SCHEMA)
    for operator in names.TABLE:
        library.define(f"{operator.name}{names.SCHEMA}")
"""
NAMES = b'SCALE = "scale"\nSCHEMA: str = "(Tensor x) -> Tensor"\nTABLE = read()\n'
LIBRARIES = frozenset({"demo"})


def test_names_of_other_files_are_followed_to_their_texts(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": b"",
        "pkg/registration.py": REGISTRATION,
        "pkg/names.py": NAMES,
        "pkg/space.py": b'NAMESPACE = "demo"\n',
    }
    write_folder(tmp_path, files)
    with Workers() as workers:
        read = PythonReader(open_tree(tmp_path), workers).read(LIBRARIES, frozenset())
    assert [
        (each.library, each.operator, each.schema)
        for each in read["pkg/registration.py"].registrations
    ] == [
        ("demo", "scale", "scale(Tensor x) -> Tensor"),
        ("demo", "scale_of_two", "scale_of_two(Tensor x) -> Tensor"),
    ]


@pytest.mark.parametrize(
    ("written", "template"),
    [
        ("'plain'", "plain"),
        ("f'{a}{b.c}(x)'", "{a}{b.c}(x)"),
        ("a + '(x)'", "{a}(x)"),
        ("f'{a:>3}'", ""),
        ("f'{a()}'", ""),
        ("'{a}'", ""),
    ],
)
def test_a_template_has_a_place_for_each_name(written: str, template: str) -> None:
    assert template_of(ast.parse(written, mode="eval").body) == template


def test_a_template_with_an_unknown_name_has_no_text() -> None:
    assert filled("{a}{b}(x)", {"a": "f", "b": "g"}.get) == "fg(x)"  # type: ignore[arg-type]
    assert filled("{a}{b}(x)", lambda name: "f" if name == "a" else "") == ""


def test_a_helpers_definition_registers_nothing_by_itself() -> None:
    helper = (
        b'import torch\nlibrary = torch.library.Library("demo", "FRAGMENT")\n'
        b"def register(op_name, schema):\n    library.define(op_name + schema)\n"
    )
    facts = read_module("pkg/helper.py", helper, Leads())
    assert facts.registrations == ()
    (one,) = facts.computed
    assert one.registration.schema == "{op_name}{schema}"
    assert (one.written, one.own) == ("op_name + schema", frozenset({"op_name", "schema"}))


SHADOWED = b"""import torch
NAME = "scale"
OTHER = "shift"
library = torch.library.Library("demo", "FRAGMENT")
library.define(NAME + "(Tensor x) -> Tensor")
library.define("plain(Tensor x) -> Tensor")
def load(NAME):
    library.define(NAME + "(Tensor x) -> Tensor")
    library.define(f"{OTHER}_of_{NAME}(Tensor x) -> Tensor")
    library.define(f"{OTHER}_all(Tensor x) -> Tensor")
for count in range(3):
    library.define(f"{OTHER}_{count}(Tensor x) -> Tensor")
torch.library.define(named(), "(Tensor x) -> Tensor")
@torch.library.custom_op(f"other::{count}", mutates_args=())
def counted(x: torch.Tensor) -> torch.Tensor: ...
options.define(port)
def direct_register_custom_op(op_name, function):
    library.define(op_name + infer_schema(function))
direct_register_custom_op(op_name="direct", op_func=counted)
direct_register_custom_op(op_name=OTHER + "_direct", op_func=counted)
direct_register_custom_op(op_name=names[0], op_func=counted)
# torch.ops.demo.scale
"""


def test_what_is_no_constant_there_is_not_followed(tmp_path: Path) -> None:
    write_folder(tmp_path, {"registration.py": SHADOWED})
    with Workers() as workers:
        read = PythonReader(open_tree(tmp_path), workers).read(LIBRARIES, frozenset())
    file = read["registration.py"]
    assert {each.operator for each in file.registrations} == {
        *("scale", "plain", "shift_all", "direct", "shift_direct")
    }
    assert [(each.library, each.text, each.location.line) for each in file.unfollowed] == [
        ("demo", "NAME + '(Tensor x) -> Tensor'", 8),
        ("demo", "f'{OTHER}_of_{NAME}(Tensor x) -> Tensor'", 9),
        ("demo", "f'{OTHER}_{count}(Tensor x) -> Tensor'", 12),
        ("", "named()", 13),
        ("other", "f'other::{count}'", 14),
        ("", "names[0]", 21),
    ]
