"""Where a call of an operator runs is where Python runs it: each body is executed on each platform.

bodies.txt has the bodies, a blank line between two; OP is an operator, and f is called.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext, suppress
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from opparity.checker.facts.conditions import Predicate, Truth, all_of, evaluate, truth_of
from opparity.checker.languages.python.reader import PythonReader
from opparity.checker.languages.workers import Workers
from opparity.checker.tree.opening import open_tree

BODIES = Path(__file__).with_name("bodies.txt").read_text().strip().split("\n\n")
HEAD = "import torch\nfrom pkg.platforms import current_platform\n"
PLATFORMS = ("cuda", "rocm", "cpu")
# The operator is registered for these.
HAVING = ("cuda", "cpu")


def executed(body: str, platform: str) -> bool:
    """Return whether the operator is called where f is called."""
    called: list[object] = []
    library = SimpleNamespace(**({"op": called.append} if platform in HAVING else {}))
    torch = ModuleType("torch")
    vars(torch).update(
        ops=SimpleNamespace(_C=library),
        version=SimpleNamespace(
            hip="7.0" if platform == "rocm" else None, cuda="13.0" if platform == "cuda" else None
        ),
        cuda=SimpleNamespace(is_available=lambda: platform != "cpu"),
        no_grad=nullcontext,
    )
    current = SimpleNamespace(
        **{f"is_{name}": (lambda name=name: name == platform) for name in PLATFORMS}
    )
    with pytest.MonkeyPatch.context() as patch, suppress(AssertionError, ValueError, RuntimeError):
        platforms = ModuleType("pkg.platforms")
        vars(platforms)["current_platform"] = current
        for module in (torch, platforms, ModuleType("pkg")):
            patch.setitem(sys.modules, module.__name__, module)
        names: dict[str, object] = {"OP": called.append}
        exec(compile(HEAD + body, "m.py", "exec"), names)  # noqa: S102 -- the tests' own
        function = names.get("f")
        if callable(function):
            function(1)
    return bool(called)


class Process:
    """What is known where a platform's process runs."""

    def __init__(self, platform: str) -> None:
        self.platform = platform

    def truth(self, atom: object) -> Truth:
        match atom:
            case Predicate("platform", (name,)):
                return truth_of(name == self.platform)
            case Predicate("hasattr", (name,)):
                return truth_of("::" not in name or self.platform in HAVING)
            case Predicate("asserted" | "caught"):
                return Truth.TRUE
            case _:
                return Truth.UNKNOWN


@pytest.mark.parametrize("body", BODIES)
def test_a_call_runs_where_python_runs_it(body: str, tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg/__init__.py").write_text("")
    text = HEAD + body.replace("OP", "torch.ops._C.op") + "\n"
    (tmp_path / "pkg/m.py").write_text(text)
    with Workers() as workers:
        files = PythonReader(open_tree(tmp_path), workers).read(frozenset({"_C"}), frozenset())
    (call,) = files["pkg/m.py"].calls
    # The first line's guard says whether the module is imported, which nobody does here.
    guards = [guard for guard in call.guards if guard.location.line > 1]
    told = {
        platform: all_of(evaluate(guard.condition, Process(platform)) for guard in guards)
        for platform in PLATFORMS
    }
    assert told == {platform: truth_of(executed(body, platform)) for platform in PLATFORMS}
