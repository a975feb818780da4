"""Bodies are left out of what is parsed, and nothing that is found changes for it."""

from __future__ import annotations

import ast
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opparity.checker.facts.conditions import ALWAYS
from opparity.checker.languages.python import parsing
from opparity.checker.languages.python.parsing import Leads, read_module
from opparity.checker.languages.python.pruning import blocks_of, without_bodies

LEADS = Leads(frozenset({"_C"}), frozenset({"pkg.ops"}), frozenset({"silu"}))
STATEMENTS = [
    "x = 1",
    "nonlocal x\nx = is_rocm()",
    "return None",
    "torch.ops._C.silu(x)",
    "from pkg.ops import silu as fused",
    "from .ops import (  # import (\n    silu,\n)",
    "from . import ops",
    "import pkg.ops",
    "fused(x)",
    "ops.silu(x)",
    "y = '''\ndef inner():\ntorch\n'''",
    'z = "# def f(: ("  # def g(:',
    "w = [\n    1,\n]",
    "x = 1  # not a string: '''\n",
    'x = "\'\'\'"  # nor """ here',
    "x = '''a \\''' b \\\\'''",
    'x = """def f():\n    torch.ops._C.silu(x)  # \'\'\'\n"""  # """',
    "QUANT[x] = fused",
    "assert is_rocm()",
    "raise ValueError(\n'low'\n)",
]
HEADS = [
    "def work(a, b={1: 2}, *, c: dict[str, int] = {}) -> int:",
    "def supports_fp8():",
    "async def work_later(  # (\n    a=')',\n):",
    "@register_fake('_C::silu')\ndef fake(x):",
    "@decorated(\n    x,\n)\ndef decorated_work(x):",
    "class Fused(Base):",
    "class Base:",
    "if current_platform.is_rocm():",
    "try:\n    import pkg.ops\nexcept ImportError:",
]


def indented(text: str) -> str:
    return textwrap.indent(text, "    ")


blocks = st.recursive(
    st.sampled_from(STATEMENTS),
    lambda inner: st.builds(
        lambda head, body: head + "\n" + "\n".join(map(indented, body)),
        st.sampled_from(HEADS),
        st.lists(inner, min_size=1, max_size=4),
    ),
    max_leaves=12,
)
modules = st.lists(blocks, min_size=1, max_size=6).map(
    lambda parts: "import torch\nQUANT = {}\n" + "\n\n".join(parts) + "\n"
)


@given(modules)
def test_a_file_says_the_same_with_and_without_idle_bodies(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parsing, "without_bodies", lambda text, *_: text)
        whole = read_module("pkg/m.py", text.encode(), LEADS)
    assert read_module("pkg/m.py", text.encode(), LEADS) == whole


@pytest.mark.parametrize("inner", ["x = 1", "nonlocal x\n        x = is_rocm()"])
def test_a_name_of_an_inner_function_is_its_own_unless_it_says_nonlocal(inner: str) -> None:
    text = (
        "import torch\ndef outer():\n    x = True\n    def inner():\n"
        f"        {inner}\n    if x:\n        torch.ops._C.silu()\n"
    )
    facts = read_module("pkg/m.py", text.encode(), LEADS)
    is_decided = facts.locals["outer", "x"] is ALWAYS
    assert is_decided == ("nonlocal" not in inner)


@given(modules)
def test_lines_keep_their_numbers_and_heads_their_text(text: str) -> None:
    pruned = without_bodies(text, blocks_of(text), lambda _: True)
    assert pruned.count("\n") == text.count("\n")
    before = {
        (node.lineno, node.name) for node in ast.parse(text).body if isinstance(node, ast.ClassDef)
    }
    after = {
        (node.lineno, node.name)
        for node in ast.parse(pruned).body
        if isinstance(node, ast.ClassDef)
    }
    assert after == before


@pytest.mark.parametrize(
    "head",
    [
        "def idle():",
        "def idle(a, b=(1, 2)) -> dict[str, int]:",
        "def idle(a='(', b=[1, {2: ')'}], *, c=\"]\") -> 'X[': # (",
        "def idle(\n    a,  # it's (\n    b={'x': [')']},\n):",
        "@decorated('(', [1])\nasync def idle(a=lambda x: '):'):",
        "class Idle(Base['('], metaclass=Meta):",
    ],
)
def test_an_idle_body_is_not_parsed(head: str) -> None:
    text = f"import torch\n{head}\n    return $\ndef busy():\n    torch.ops._C.silu()\n"
    facts = read_module("pkg/m.py", text.encode(), LEADS)
    line = text.count("\n")
    assert [(call.operator, call.location.line) for call in facts.calls] == [("silu", line)]


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    x = (\n1)\n    torch.ops._C.silu()\n",
        "def f():\n    x = 1 + \\\n2\n    y = 3\ntorch.ops._C.silu()\n",
        "def f():\n\tx = 1\ntorch.ops._C.silu()\n",
        "def f(a='(', b=1): return {\n  1: 2}\ntorch.ops._C.silu()\n",
        "# '''\ndef f():\n    x = 1\ny = '''\ndef g(: '''\ntorch.ops._C.silu()\n",
        "x = \"'''\"\ndef f():\n    y = '''\ndef g(:\n'''\n    torch.ops._C.silu()\n",
    ],
)
def test_lines_that_mislead_are_read_as_the_parser_reads_them(text: str) -> None:
    facts = read_module("pkg/m.py", text.encode(), LEADS)
    assert [call.location.line for call in facts.calls] == [text.count("\n")]


@pytest.mark.parametrize(
    "text", ["def f(\n" * 50_000, "'''" * 50_000, "def f(" + "(" * 100_000, "@" * 100_000]
)
def test_a_text_that_no_parser_takes_has_no_blocks(text: str) -> None:
    assert blocks_of(text) == []
