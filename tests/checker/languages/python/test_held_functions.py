"""Calls of what a variable holds, where every value that it may have is known."""

from __future__ import annotations

import ast

import pytest

from opparity.checker.languages.python.held_functions import calls_of_held


def held_in(body: str) -> list[str]:
    lines = "\n".join(f"    {line}" for line in body.strip("\n").split("\n"))
    function = ast.parse(f"def f(x, kind):\n{lines}\n").body[0]
    assert isinstance(function, ast.FunctionDef)
    return sorted(
        f"{call.lineno - 1}: {ast.unparse(value)}" for call, value in calls_of_held(function)
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("g = k.one\ng(x)", ["2: k.one"]),
        ("g = k.one\nreturn g(x) + g(x)", ["2: k.one", "2: k.one"]),
        ("g = k.one if kind else k.two\ng(x)", ["2: k.one", "2: k.two"]),
        ("g = k.one if kind else print\ng(x)", []),
        (
            "if kind:\n    g = k.one\nelif x:\n    g = k.two\nelse:\n    raise ValueError\ng(x)",
            ["7: k.one", "7: k.two"],
        ),
        ("if kind:\n    g = k.one\ng(x)", []),
        ("g = k.one\nif kind:\n    g = k.two\ng(x)", ["4: k.one", "4: k.two"]),
        ("g = k.one\nif kind:\n    g = print\ng(x)", []),
        ("g = k.one\nif kind:\n    g = k.two\n    return g(x)\ng(x)", ["4: k.two", "5: k.one"]),
        ("g = k.one\nfor g in x:\n    g(x)\ng(x)", []),
        ("g = k.one\nwhile x:\n    g = k.two\ng(x)", []),
        ("g = k.one\nfor each in x:\n    print(each)\ng(x)", ["4: k.one"]),
        ("g = k.one\ntry:\n    g = k.two\nexcept ValueError:\n    pass\ng(x)", []),
        ("g = k.one\nwith x:\n    g = k.two\n    g(x)\ng(x)", ["4: k.two"]),
        ("g = k.one\ng, h = x\ng(x)", []),
        ("g = k.one\nif (g := x):\n    g(x)", []),
        ("g = k.one\ndef g(y):\n    return y\ng(x)", []),
        ("g = k.one\ndef h(y):\n    return g(y)", []),
        ("g = k.one\nreturn lambda g: g(x)", []),
        ("g = k.one\ndel g\ng(x)", []),
        ("g = k.one\nfrom m import g\ng(x)", []),
        ("g = k.one\nreturn [g(each) for each in x]", ["2: k.one"]),
        ("g = k.one\nreturn [g(kind) for g in x]", []),
        ("g = k.one\ng = g(x)\ng(x)", ["2: k.one"]),
    ],
)
def test_a_call_is_of_whatever_its_variable_may_hold_there(body: str, expected: list[str]) -> None:
    assert held_in(body) == expected
