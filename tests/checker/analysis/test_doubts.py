"""What could not be decided says why: which condition, which list, or what lies outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checker.trees_on_disk import write_folder
from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.facts.platforms import Platform
from opparity.checker.results.check import check_project
from opparity.checker.tree.opening import open_tree
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from pathlib import Path

    from opparity.checker.rules.findings import Finding, Unknown

HEAD = "import json, os, sys\nfrom torch.utils.cpp_extension import CUDAExtension\n"
BINDINGS = """#include <torch/library.h>
void turn();
TORCH_LIBRARY(demo, m) { m.def("turn() -> ()", &turn); }
"""
TURN = "void turn() {}\n"
# The list is on line 3.
WHOLE = "CUDAExtension('demo._C', ['csrc/a.cpp'])\n"
BOTH = "CUDAExtension('demo._C', ['csrc/a.cpp', 'csrc/b.cpp'])\n"
PERHAPS = (
    "found = ['csrc/a.cpp']\nif sys.argv[1] == 'x':\n    found.append('csrc/b.cpp')\n"
    "CUDAExtension('demo._C', found)\n"
)
OPEN = "CUDAExtension('demo._C', ['csrc/a.cpp', *json.load(open('/etc/sources.json'))])\n"
UNBUILT = f"if 'torch' in os.environ.get('FRAMEWORKS', sys.argv[1]):\n    {WHOLE}"
CASES = [
    (PERHAPS, {"csrc/b.cpp": TURN}, "BLD001", "whether csrc/b.cpp is in the list"),
    (OPEN, {"other/b.cpp": TURN}, "BLD001", "what else the list of demo._C at setup.py:3 has"),
    (UNBUILT, {"csrc/b.cpp": TURN}, "BLD001", "whether demo._C is built"),
    (
        BOTH,
        {"csrc/b.cpp": f"#if CUTLASS_VERSION > 4\n{TURN}#endif\n"},
        "BLD001",
        "whether `CUTLASS_VERSION > 4` holds",
    ),
    (
        BOTH,
        {"csrc/b.cpp": f"#if CUTLASS_VERSION > 4\n{TURN}#elif CUTLASS_MAJOR\n{TURN}#endif\n"},
        "BLD001",
        (
            "whether `CUTLASS_VERSION > 4` holds and whether "
            "`!(CUTLASS_VERSION > 4) && CUTLASS_MAJOR` holds"
        ),
    ),
    (
        WHOLE,
        {"csrc/a.cpp": BINDINGS.replace("void turn();", "#include <foreign/turn.h>")},
        "BLD001",
        "whether something outside of the tree defines turn",
    ),
    (
        WHOLE,
        {"csrc/a.cpp": f"#if CUTLASS_VERSION > 4\n{BINDINGS}#endif\n", "csrc/b.cpp": TURN},
        "BLD001",
        "whether `CUTLASS_VERSION > 4` holds",
    ),
    (
        PERHAPS,
        {"csrc/a.cpp": "void turn();\nvoid again() { turn(); }\n", "csrc/b.cpp": TURN},
        "BLD002",
        "whether csrc/b.cpp is in the list",
    ),
    (
        WHOLE,
        {
            "csrc/a.cpp": "#if CUTLASS_VERSION > 4\nvoid turn();\n#endif\n"
            "void again() { turn(); }\n",
            "csrc/b.cpp": TURN,
        },
        "BLD002",
        "whether its prototype is seen, under `CUTLASS_VERSION > 4`",
    ),
    # Neither another function's prototype nor one that is seen for sure leaves it open.
    (
        WHOLE,
        {
            "csrc/a.cpp": "#if CUTLASS_MAJOR\nvoid other();\n#endif\nvoid third();\n"
            "#if CUTLASS_VERSION > 4\nvoid turn();\n#endif\n"
            "void again() { turn(); }\n",
            "csrc/b.cpp": TURN,
        },
        "BLD002",
        "whether its prototype is seen, under `CUTLASS_VERSION > 4`",
    ),
]


def told(root: Path, files: dict[str, str]) -> list[tuple[str, str]]:
    write_folder(root, {path: text.encode() for path, text in files.items()})
    check = check_project(Analysis(read_project(open_tree(root), [Platform("cuda")])))
    results: list[Finding | Unknown] = [*check.unknowns, *check.findings]
    return [(each.rule, english(each.statement)) for each in results]


@pytest.mark.parametrize(("script", "files", "rule", "reason"), CASES)
def test_an_unknown_says_what_is_not_known(
    tmp_path: Path, script: str, files: dict[str, str], rule: str, reason: str
) -> None:
    said = told(tmp_path, {"setup.py": HEAD + script, "csrc/a.cpp": BINDINGS} | files)
    (text,) = (text for code, text in said if code == rule)
    assert text.partition("; it is not known ")[2] == reason


UNREGISTERED = "import torch\nfrom demo import _C\nIF    torch.ops.demo.other()\n"
CALLS = [
    (OPEN, {}, "def f():\n", "what else the list of demo._C at setup.py:3 has"),
    (
        WHOLE,
        {"csrc/a.cpp": BINDINGS.replace("m.def(", "m.def(name(), &turn);\nm.def(")},
        "def f():\n",
        "what the registration at csrc/a.cpp:3 registers",
    ),
    (
        WHOLE,
        {},
        "if torch.version.cuda > str(torch.x):\n",
        "whether the condition at demo/__init__.py:3 holds",
    ),
    (WHOLE, {}, "if torch.version.cuda:\n", ""),
]


@pytest.mark.parametrize(("script", "files", "test", "reason"), CALLS)
def test_what_nobody_registers_says_what_is_not_known(
    tmp_path: Path, script: str, files: dict[str, str], test: str, reason: str
) -> None:
    module = UNREGISTERED.replace("IF", test)
    tree = {"setup.py": HEAD + script, "csrc/a.cpp": BINDINGS, "csrc/b.cpp": TURN}
    tree |= {"setup.py": HEAD + script.replace("'csrc/a.cpp'", "'csrc/a.cpp', 'csrc/b.cpp'")}
    said = told(tmp_path, tree | {"demo/__init__.py": module} | files)
    (text,) = (text for code, text in said if code == "CAL009")
    assert text.partition("; it is not known ")[2] == reason
