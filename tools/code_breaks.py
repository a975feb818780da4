"""What may be broken in Python code, and a draw from it, for break_code.py."""

from __future__ import annotations

import ast
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


@dataclass(frozen=True, slots=True)
class Break:
    """One replacement: bytes `start` to `end` of a file, in a function that begins at a line."""

    path: str
    function: int
    line: int
    start: int
    end: int
    text: str


class _Finder(ast.NodeVisitor):
    """Collects what may be broken in one file."""

    def __init__(self, path: str, source: bytes) -> None:
        self.path = path
        self.source = source
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.functions = [0]
        self.found: list[Break] = []

    def _put(self, node: ast.expr | ast.stmt, text: str) -> None:
        start = self.starts[node.lineno - 1] + node.col_offset
        end = self.starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        self.found.append(Break(self.path, self.functions[-1], node.lineno, start, end, text))

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        # A code object begins with its first decorator.
        self.functions.append(min([node.lineno, *(each.lineno for each in node.decorator_list)]))
        for each in node.body:
            self.visit(each)
        self.functions.pop()

    visit_FunctionDef = visit_AsyncFunctionDef = _visit_function  # noqa: N815 -- ast's names

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for each in node.body:  # `frozen=True` and the like change nothing that a test could see
            self.visit(each)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # no docstring
            self.generic_visit(node)

    def visit_If(self, node: ast.If | ast.While | ast.IfExp) -> None:
        if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            self._put(node.test, f"(not ({ast.unparse(node.test)}))")
            self.generic_visit(node)

    visit_While = visit_IfExp = visit_If  # noqa: N815

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._put(test, f"(not ({ast.unparse(test)}))")
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        opposite = _OPPOSITE[type(node.ops[0])]()
        broken = ast.Compare(node.left, [opposite, *node.ops[1:]], node.comparators)
        self._put(node, f"({ast.unparse(broken)})")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        self._put(node, f"({ast.unparse(ast.BoolOp(other, node.values))})")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._put(node, str(not value))
        elif isinstance(value, int) and self.functions[-1]:  # limits stand outside of functions
            self._put(node, str(value + 1))

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and ast.unparse(node.value) != "None":
            self._put(node, "return None")
            self.generic_visit(node)

    def visit_JoinedStr(self, _: ast.JoinedStr) -> None:
        """Leave texts alone: their parts have no places of their own before Python 3.12."""


def breaks_in(path: Path, name: str) -> list[Break]:
    """Return what may be broken in a file."""
    source = path.read_bytes()
    finder = _Finder(name, source)
    finder.visit(ast.parse(source))
    return finder.found


def drawn(package: Path, parts: Sequence[str], count: int, seed: int) -> list[Break]:
    """Return as many breaks as are wanted, the same for the same seed and code."""
    every = [
        each
        for part in parts
        for path in sorted((package / part).rglob("*.py"))
        for each in breaks_in(path, path.relative_to(package).as_posix())
    ]
    return random.Random(seed).sample(every, min(count, len(every)))  # noqa: S311 -- no secret
