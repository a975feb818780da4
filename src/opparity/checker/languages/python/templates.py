"""Texts that are put together from constants: `f"{NAMES.SCALE}(Tensor x) -> Tensor"`."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from opparity.checker.languages.python.syntax import parse_quietly
from opparity.checker.languages.python.tests_of_platform import dotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_NAME = re.compile(r"\{([\w.]+)\}")


def template_of(node: ast.expr) -> str:
    """Return a text with `{name}` for each name in it; "" for what is no such text."""
    match node:
        case ast.Constant(str(text)):
            return "" if "{" in text else text
        case ast.Name() | ast.Attribute() if name := dotted(node):
            return f"{{{name}}}"
        case ast.BinOp(left, ast.Add(), right):
            parts = [template_of(left), template_of(right)]
        case ast.JoinedStr(values):
            parts = [_piece(value) for value in values]
        case _:
            return ""
    return "".join(parts) if all(parts) else ""


def _piece(value: ast.expr) -> str:
    is_plain = isinstance(value, ast.FormattedValue) and value.format_spec is None
    return template_of(value.value if is_plain else value)  # type: ignore[attr-defined]


def filled(template: str, value_of: Callable[[str], str]) -> str:
    """Return a template's text; "" where the value of a name is not known."""
    pieces = _NAME.split(template)
    pieces[1::2] = [value_of(name) for name in pieces[1::2]]
    return "".join(pieces) if all(pieces[1::2]) else ""


def names_given_in(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Return the names that mean something of a function: its parameters, and what it assigns."""
    found = {each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Global):
            found.difference_update(node.names)
    return found


def texts_of(body: Iterable[ast.stmt]) -> dict[str, str]:
    """Return the names that a module's statements give a text, and give nothing else."""
    found: dict[str, str] = {}
    for statement in body:
        match statement:
            case ast.Assign(targets, value):
                given = [(target, value) for target in targets]
            case ast.AnnAssign(target, _, ast.expr() as value):
                given = [(target, value)]
            case _:
                continue
        for named, value in given:
            if isinstance(named, ast.Name):
                is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
                text = str(value.value) if is_text else ""  # type: ignore[attr-defined]
                found[named.id] = "" if named.id in found else text
    return {name: text for name, text in found.items() if text}


def read_texts(content: bytes) -> dict[str, str]:
    """Return the same of a file's bytes; {} where Python cannot parse them."""
    try:
        return texts_of(parse_quietly(content.decode("utf-8", errors="replace")).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
