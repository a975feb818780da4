"""Other names of torch.ops are written out where they hold, and nowhere else."""

from __future__ import annotations

import pytest

from opparity.checker.languages.python.aliases import written_out

CASES = [
    ("import torch as T\nT.ops.demo.f(x)\n", "import torch as T\ntorch.ops.demo.f(x)\n"),
    ("from torch import ops\nops.demo.f(x)\n", "from torch import ops\ntorch.ops.demo.f(x)\n"),
    (
        "from torch import (\n    empty,\n    ops as o,\n)\no.demo.f(x)\n",
        "from torch import (\n    empty,\n    ops as o,\n)\ntorch.ops.demo.f(x)\n",
    ),
    ("ops = torch.ops\nops.demo.f(x)\n", "ops = torch.ops\ntorch.ops.demo.f(x)\n"),
    ("d = torch.ops.demo  # ours\nd.f(x)\n", "d = torch.ops.demo  # ours\ntorch.ops.demo.f(x)\n"),
    (
        "d = torch.ops.demo\nif hasattr(d, 'f'): d.f(x)\n",
        "d = torch.ops.demo\nif hasattr(torch.ops.demo, 'f'): torch.ops.demo.f(x)\n",
    ),
    (
        "import torch as T\nops = T.ops\nops.demo.f(x)\n",
        "import torch as T\nops = torch.ops\ntorch.ops.demo.f(x)\n",
    ),
    (
        "def g(x):\n    d = torch.ops.demo\n    return d.f(x)\n\nd.f(x)\n",
        "def g(x):\n    d = torch.ops.demo\n    return torch.ops.demo.f(x)\n\nd.f(x)\n",
    ),
    ('e = importlib.import_module("demo.ext")\ne.f(x)\n', "import demo.ext as e\ne.f(x)\n"),
    ("if a:\n  e = import_module( 'ext' )  # ours\n", "if a:\n  import ext as e  # ours\n"),
    ("e = import_module('a')\r\n", "import a as e\r\n"),
    # Of two namespaces each holds in its own block.
    (
        "if a:\n d = torch.ops.b\n d.f(x)\nelse:\n d = torch.ops.c\n d.f(x)\n",
        "if a:\n d = torch.ops.b\n torch.ops.b.f(x)\nelse:\n d = torch.ops.c\n torch.ops.c.f(x)\n",
    ),
]
# The name is another thing as well.
LEFT = [
    "d = torch.ops.demo\nd = other\nd.f(x)\n",
    "d = torch.ops.demo\nfor d in x:\n    d.f(x)\n",
    "from torch import ops\ndef g(ops):\n    ops.demo.f(x)\n",
    "from torch import ops\ndef g(x, *, ops=None):\n    ops.demo.f(x)\n",
    "from torch import ops\nfrom demo import _ops as ops\nops.f(x)\n",
    "from torch import ops\nwith x as ops:\n    ops.f.g(x)\n",
    "d = torch.ops.demo\nself.d.f(x)\n",
    "d = torch.ops.demo\nand_d.f(x)\n",
    "from torch import nn\nops.demo.f(x)\n",
    "op = torch.ops.demo.f\nop.default(x)\n",
    "d = torch.ops.demo or other\nd.f(x)\n",
    "e = import_module('.ext', 'demo')\n",
    "e = import_module(f'demo.{name}')\n",
    "e = import_module('.ext')\n",
    "e = import_module('ext').inner\n",
    "self.e = import_module('ext')\n",
    "e = f(import_module('ext'))\n",
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_name_is_written_out_behind_the_statement_that_gives_it(text: str, expected: str) -> None:
    assert written_out(text.encode()).decode() == expected


@pytest.mark.parametrize("text", LEFT)
def test_a_name_that_is_something_else_too_is_left(text: str) -> None:
    assert written_out(text.encode()).decode() == text
