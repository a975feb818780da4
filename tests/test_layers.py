"""The packages of the checker and of reports stand in an order, and no modules form a circle."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
# Each imports from those before it, and from itself.
CHECKER = ("facts", "tree", "languages", "analysis", "rules", "results", "reports")
CHANGE = ("model", "git", "compare", "tell", "formats")
ORDERS = {
    "opparity.checker": CHECKER,
    "opparity.change": CHANGE,
}


@cache
def modules() -> dict[str, Path]:
    folders = ("checker", "change", "history", "pages", "words")
    paths = [path for name in folders for path in (SOURCE / "opparity" / name).rglob("*.py")]
    return {
        ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
        for path in paths
    }


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports, those for its annotations alone included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(inner & modules().keys() or {node.module})
    return found & modules().keys()


def test_no_modules_import_each_other() -> None:
    graph = {name: imported(path) for name, path in modules().items()}
    assert sum(map(len, graph.values())) > 1000
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("outer", ORDERS)
def test_packages_import_only_from_those_before_them(outer: str) -> None:
    order = ORDERS[outer]
    upward = [
        f"{name} imports {other}"
        for name, path in modules().items()
        for other in imported(path)
        if (own := layer(outer, name)) in order
        and (its := layer(outer, other)) in order
        and order.index(own) < order.index(its)
    ]
    assert {layer(outer, name) for name in modules()} >= set(order)
    assert not upward


def layer(outer: str, module: str) -> str:
    """Return the package below an outer one that a module belongs to; "" for none."""
    inside = module.removeprefix(f"{outer}.")
    return inside.partition(".")[0] if inside != module else ""
