"""Break the code at random places, one at a time, and say which tests notice.

    python tools/break_code.py [--count 60] [--seed 1] [--packages checker,change]
        [--tests tests/checker,tests/change,tests/history,tests/words] [--reached FILE]

First every test is run once, to know which functions it calls; FILE keeps that for the next time.
Then a place is drawn, evenly over the files' lines of code: a comparison, a constant, a condition
or a return is replaced, in a copy of the package, and the tests that call the function around it
are run, the quickest first, until one fails. What no test notices is printed with both texts:
whether it is the same program by other means, a reader has to tell.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[1]
_LONGEST_RUN = 300
# An installed package that is edited in place is found before any path.
_START = (
    "import sys; sys.meta_path[:] = [each for each in sys.meta_path"
    " if 'editable' not in type(each).__module__]; sys.path.insert(0, sys.argv.pop(1));"
    " import pytest; sys.exit(pytest.main(sys.argv[1:]))"
)
_OPTIONS = ("-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--no-header")
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


# ------------------------------------------------------------------- which tests call a function


class Recorder:
    """A plugin of pytest that notes which functions of a package each test calls."""

    def __init__(self, package: Path) -> None:
        self.prefix = f"{package}{os.sep}"
        self.calls: dict[str, set[str]] = defaultdict(set)
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()

    def pytest_runtest_protocol(self, item: Any) -> None:  # noqa: ANN401 -- pytest's
        """Begin a test; its fixtures count as well."""
        seen: set[object] = set()
        calls = self.calls[item.nodeid]

        def note(frame: Any, _event: str, _: object) -> None:  # noqa: ANN401 -- a frame
            code = frame.f_code
            if code not in seen:
                seen.add(code)
                if code.co_filename.startswith(self.prefix):
                    name = code.co_filename.removeprefix(self.prefix)
                    calls.add(f"{name}:{code.co_firstlineno}")

        sys.settrace(note)  # which asks at calls alone; setprofile also at those of C
        self.seconds[item.nodeid] = time.perf_counter()

    def pytest_runtest_logreport(self, report: Any) -> None:  # noqa: ANN401 -- pytest's
        """Take no test that fails while it is watched."""
        if report.failed:
            self.failed.add(report.nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """End a test."""
        sys.settrace(None)
        self.seconds[nodeid] = time.perf_counter() - self.seconds[nodeid]


def record(package: Path, tests: Sequence[str], place: Path) -> None:
    """Run the tests in this process, and write what they call."""
    import pytest  # noqa: PLC0415 -- in a process of its own

    recorder = Recorder(package)
    pytest.main(["-q", "-p", "no:randomly", *tests], plugins=[recorder])
    for test in sorted(recorder.failed):
        print(f"left out, since it fails while it is watched: {test}")
    calls = {
        test: sorted(called)
        for test, called in recorder.calls.items()
        if test not in recorder.failed
    }
    place.write_text(json.dumps({"calls": calls, "seconds": recorder.seconds}), "utf-8")


def reaching(document: dict[str, Any], each: Break) -> list[str]:
    """Return the tests that call the function around a break, or its file's; quickest first."""
    seconds = document["seconds"]
    exact = f"{each.path}:{each.function}"
    tests = [
        test
        for test, called in document["calls"].items()
        if (exact in called if each.function else _calls_file(called, each.path))
    ]
    # What is called while modules are imported is called by no test alone, and needed by each.
    quickest = sorted(tests or document["calls"], key=lambda test: seconds[test])
    return quickest if tests else quickest[:1]


def _calls_file(called: Sequence[str], path: str) -> bool:
    return any(name.rpartition(":")[0] == path for name in called)


# ------------------------------------------------------------------------------------ the breaks


def noticed(copy: Path, each: Break, tests: Sequence[str]) -> str:
    """Return the test that notices a break; "" for none."""
    path = copy / "opparity" / each.path
    whole = path.read_bytes()
    path.write_bytes(whole[: each.start] + each.text.encode() + whole[each.end :])
    try:
        done = subprocess.run(
            [sys.executable, "-B", "-c", _START, str(copy), *_OPTIONS, *tests],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            timeout=_LONGEST_RUN,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "(it does not end)"
    finally:
        path.write_bytes(whole)
    if done.returncode == 0:
        return ""
    failed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("FAILED")]
    return (*failed, "(it does not start)")[0]


def _shown(package: Path, each: Break) -> Iterator[str]:
    old = (package / each.path).read_bytes()[each.start : each.end].decode()
    yield f"{each.path}:{each.line}"
    yield f"    - {' '.join(old.split())}"
    yield f"    + {' '.join(each.text.split())}"


def main() -> None:
    """Draw, break and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--packages", default="checker,change")
    parser.add_argument("--tests", default="tests/checker,tests/change,tests/history,tests/words")
    parser.add_argument("--reached", type=Path, help="which tests call what; made if missing")
    parser.add_argument("--record", nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    tests = arguments.tests.split(",")
    if arguments.record:
        record(arguments.record[0], tests, arguments.record[1])
        return
    package = ROOT / "src" / "opparity"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copytree(package, copy / "opparity", ignore=shutil.ignore_patterns("__pycache__"))
        place = arguments.reached or copy / "reached.json"
        if not place.exists():
            given = ["--tests", arguments.tests, "--record", str(package), str(place)]
            subprocess.run([sys.executable, __file__, *given], cwd=ROOT, check=True)
        document = json.loads(place.read_text("utf-8"))
        breaks = drawn(package, arguments.packages.split(","), arguments.count, arguments.seed)
        left = 0
        for each in breaks:
            reached = reaching(document, each)
            by = noticed(copy, each, reached) if reached else ""
            left += not by
            print("\n".join(_shown(package, each)))
            print(f"    {f'noticed by {by}' if by else f'NOT NOTICED by {len(reached)} tests'}")
            sys.stdout.flush()
    print(f"{len(breaks)} breaks, {len(breaks) - left} noticed")


if __name__ == "__main__":
    main()
