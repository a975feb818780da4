from __future__ import annotations

import textwrap

import pytest

from opparity.checker.languages.python.attribute_reads import read_attributes
from opparity.checker.tree.contents import Tree

READ = "_C.shift(x)"
HANDLED = {
    "asked in the function": "def f(x):\n    if hasattr(_C, 'shift'):\n        {read}",
    "asked and left": "def f(x):\n    if not hasattr(_C, 'shift'):\n        return\n    {read}",
    "asked for the file": "HAS = hasattr(_C, 'shift')\ndef f(x):\n    if HAS:\n        {read}",
    "asked by a function": (
        "def has():\n    return hasattr(_C, 'shift')\ndef f(x):\n    if has():\n        {read}"
    ),
    "asked at the margin": "if hasattr(_C, 'shift'):\n    def f(x):\n        {read}",
    "with a default": "shift = getattr(_C, 'shift', None)\ndef f(x):\n    {read}",
    "caught": "try:\n    {read}\nexcept AttributeError:\n    pass",
    "suppressed": "with contextlib.suppress(AttributeError):\n    {read}",
    "raised on one way alone": (
        "try:\n    {read}\nexcept Exception:\n    if strict:\n        raise\n    x = None"
    ),
}
NOT_HANDLED = {
    "plain": "def f(x):\n    {read}",
    "asked in another function": (
        "def g(x):\n    if hasattr(_C, 'shift'):\n        pass\ndef f(x):\n    {read}"
    ),
    "of another error": "try:\n    {read}\nexcept RuntimeError:\n    pass",
    "ends the process": "try:\n    {read}\nexcept Exception as e:\n    print(e)\n    sys.exit(1)",
    "raised on both ways": (
        "try:\n    {read}\nexcept Exception as e:\n    if x:\n        raise\n"
        "    else:\n        raise ValueError from e"
    ),
    "without a default": "def g(x):\n    return getattr(_C, 'shift')\ndef f(x):\n    {read}",
}


def handled(text: str) -> set[bool]:
    source = textwrap.dedent(text.replace("{read}", READ))
    tree = Tree("demo", {"a.py": source.encode()})
    (line,) = (number for number, each in enumerate(source.splitlines(), 1) if each.strip() == READ)
    reads = read_attributes(tree, "a.py")
    return {each.is_handled for each in reads if (each.name, each.line) == ("shift", line)}


@pytest.mark.parametrize("text", HANDLED.values(), ids=HANDLED)
def test_a_read_is_handled(text: str) -> None:
    assert handled(text) == {True}


@pytest.mark.parametrize("text", NOT_HANDLED.values(), ids=NOT_HANDLED)
def test_a_read_is_not_handled(text: str) -> None:
    assert handled(text) == {False}


def test_getattr_without_a_default_is_a_read() -> None:
    tree = Tree("demo", {"a.py": b"getattr(_C, 'shift')\n"})
    assert [(each.owner, each.name) for each in read_attributes(tree, "a.py")] == [("_C", "shift")]
