"""Which attributes that Python reads once are a known name, misspelt."""

from __future__ import annotations

import pytest

from opparity.checker.analysis.attributes import Attributes
from opparity.checker.analysis.project import Project
from opparity.checker.tree.contents import Tree

KNOWN = ("accumulate_rows", "histogram", "scale")


def told(text: str, **others: str) -> list[tuple[str, str, str]]:
    files = {"demo/a.py": text, **{f"demo/{name}.py": other for name, other in others.items()}}
    tree = Tree("demo", {path: content.encode() for path, content in files.items()})
    found = Attributes(Project("demo", tree, ())).misspelt(KNOWN)
    return [(written, meant, str(place)) for written, meant, place in found]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("histgoram", "histogram"),
        ("histogrm", "histogram"),
        ("histoogram", "histogram"),
        ("accumulate_rwos", "accumulate_rows"),
        # A long name may lack a letter anywhere but at its ends.
        ("accumulat_rows", "accumulate_rows"),
        ("accumulate_row", ""),
        ("ccumulate_rows", ""),
        ("accumlat_rows", ""),
        ("accumulated_rows", ""),
        ("histogra", ""),
        ("histogram", ""),
        ("sclae", ""),
        ("something_else", ""),
    ],
)
def test_an_attribute_is_one_slip_from_a_known_name(written: str, meant: str) -> None:
    text = f"import demo\n\ndef f(kernels, x):\n    return kernels.{written}(x)\n"
    found = told(text)
    assert [(one, other) for one, other, _ in found] == ([(written, meant)] if meant else [])
    assert all(where.startswith("demo/a.py:4") for *_, where in found)


@pytest.mark.parametrize(
    "others",
    [
        {"b": "def histgoram(x):\n    pass\n"},
        {"b": "y.histgoram(x)\n"},
        {"b": "NAMES = ['histgoram']\n"},
        {"b": "# histgoram\n"},
    ],
)
def test_a_name_that_stands_elsewhere_too_is_somebodys_own(others: dict[str, str]) -> None:
    text = "def f(kernels, x):\n    return kernels.histgoram(x)\n"
    assert told(text) != []
    assert told(text, **others) == []
    assert told(text, b="histgorams = 1\n") != []
