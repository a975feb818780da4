"""Break the code at random places, one at a time, and say which tests notice.

    python tools/break_code.py [--count 60] [--seed 1] [--packages checker,change]
        [--tests tests/checker,tests/change,tests/history,tests/words] [--reached FILE]

First every test is run once, to know which functions it calls; FILE keeps that for the next time.
Then a place is drawn, evenly over the files' lines of code: a comparison, a constant, a condition
or a return is replaced, in a copy of the package, and the tests that call the function around it
are run, the quickest first, until one fails. What no test notices is printed with both texts:
whether it is the same program by other means, a reader has to tell.
A break counts where its tests passed, where one failed that passes without it, or where none starts
any more; tests that do not end, or that fail without the break too, say nothing of it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from cProfile import Profile
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any, TextIO

import pytest

from code_breaks import drawn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from code_breaks import Break

ROOT = Path(__file__).parents[1]
_LONGEST_RUN = 600
# pytest's statuses, and one for a run that was ended; others are of tests that did not run.
_PASSED, _FAILED, _NO_END = 0, 1, 1000
_SUMMARY = ("FAILED ", "ERROR ")
_OPTIONS = ("-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--no-header")
# ------------------------------------------------------------------- which tests call a function


class Recorder:
    """A plugin of pytest that notes which functions of a package each test calls."""

    def __init__(self, package: Path) -> None:
        self.prefix = f"{package.resolve()}{os.sep}"
        self.calls: dict[str, set[str]] = {}
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()

    def pytest_runtest_protocol(self) -> None:
        """Begin a test; its fixtures count as well."""
        self.profile = Profile(
            subcalls=False, builtins=False
        )  # in C: tracing takes ten times longer
        self.began = time.perf_counter()
        self.profile.enable()

    def pytest_runtest_logreport(self, report: Any) -> None:  # noqa: ANN401 -- pytest's
        """Take no test that fails while it is watched."""
        if report.failed:
            self.failed.add(report.nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """End a test."""
        self.profile.disable()
        self.seconds[nodeid] = time.perf_counter() - self.began
        codes = (each.code for each in self.profile.getstats())
        self.calls[nodeid] = {
            f"{code.co_filename.removeprefix(self.prefix)}:{code.co_firstlineno}"
            for code in codes
            if isinstance(code, CodeType) and code.co_filename.startswith(self.prefix)
        }


def record(package: Path, tests: Sequence[str], place: Path) -> None:
    """Run the tests in this process, and write what they call."""
    recorder = Recorder(package)
    pytest.main(["-q", "-p", "no:randomly", *tests], plugins=[recorder])
    for test in sorted(recorder.failed):
        print(f"left out, since it fails while it is watched: {test}")
    if not any(recorder.calls.values()):
        sys.exit(f"no test calls anything of {package}: is another copy of the package installed?")
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


class Outcome(StrEnum):
    """What tests say of a break; one that no test answered is no part of any share."""

    NOTICED = "noticed"
    MISSED = "NOT NOTICED"
    OPEN = "not counted"


@dataclass(frozen=True, slots=True)
class Result:
    """What tests say of a break, and why; `test` is the one that failed."""

    outcome: Outcome
    reason: str
    test: str = ""


def tried(copy: Path, each: Break, tests: Sequence[str]) -> Result:
    """Break the copy, run the tests until one fails, and make the copy whole again."""
    path = copy / "opparity" / each.path
    whole = path.read_bytes()
    path.write_bytes(whole[: each.start] + each.text.encode() + whole[each.end :])
    try:
        code, output = _run(copy, tests)
    finally:
        path.write_bytes(whole)
    if code == _PASSED:
        return Result(Outcome.MISSED, f"by {len(tests)} tests")
    if code == _NO_END:
        return Result(Outcome.OPEN, f"the tests had not ended after {_LONGEST_RUN} seconds")
    if code == _FAILED:
        failed = _first_failed(output, tests)
        return Result(Outcome.NOTICED, f"by {failed}", failed)
    if _run(copy, [*tests, "--collect-only"])[0] == _PASSED:
        return Result(Outcome.NOTICED, "since the tests do not start")
    return Result(Outcome.OPEN, "the tests do not start without it either")


def failing_anyway(copy: Path, results: Iterable[Result]) -> set[str]:
    """Return the tests that failed of breaks, and fail without them too."""
    tests = sorted({each.test for each in results if each.test})
    if not tests or _run(copy, tests)[0] == _PASSED:
        return set()
    return {test for test in tests if _run(copy, [test])[0] != _PASSED}


def _first_failed(output: str, tests: Sequence[str]) -> str:
    """Return the test that failed: the longest that a line names, since names may hold spaces."""
    said = [line.partition(" ")[2] for line in output.splitlines() if line.startswith(_SUMMARY)]
    return max((test for test in tests if any(each.startswith(test) for each in said)), key=len)


def _run(copy: Path, arguments: Sequence[str]) -> tuple[int, str]:
    """Run pytest on a copy; return its status and what it printed.

    A fork has torch already, which takes most of a start.
    """
    with tempfile.TemporaryFile("w+") as output:
        child = get_context("fork").Process(target=_pytest, args=(copy, arguments, output))
        child.start()
        child.join(_LONGEST_RUN)
        if child.exitcode is None:
            child.kill()
            with suppress(ProcessLookupError):  # it may not have its group yet
                os.killpg(child.pid or 0, signal.SIGKILL)
            child.join()
            return _NO_END, ""
        output.seek(0)
        return child.exitcode, output.read()


def _pytest(copy: Path, arguments: Sequence[str], output: TextIO) -> None:
    os.setsid()
    sys.stdout = sys.stderr = output
    for standard in (1, 2):
        os.dup2(output.fileno(), standard)
    os.chdir(ROOT)
    sys.dont_write_bytecode = True
    # An installed package that is edited in place is found before any path.
    sys.meta_path[:] = [each for each in sys.meta_path if "editable" not in type(each).__module__]
    sys.path.insert(0, str(copy))
    os.environ["PYTHONPATH"] = str(copy)
    for name in [each for each in sys.modules if each.partition(".")[0] == "opparity"]:
        del sys.modules[name]
    sys.exit(pytest.main([*_OPTIONS, *arguments]))


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
    import_module("torch")
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
        results = []
        for each in breaks:
            results.append(tried(copy, each, reaching(document, each)))
            print("\n".join(_shown(package, each)))
            print(f"    {results[-1].outcome} {results[-1].reason}", flush=True)
        failing = failing_anyway(copy, results)
    for test in sorted(failing):
        print(f"what it noticed is not counted, since it fails without a break too: {test}")
    counted = [
        each for each in results if each.outcome != Outcome.OPEN and each.test not in failing
    ]
    noticed = sum(each.outcome is Outcome.NOTICED for each in counted)
    print(f"{len(breaks)} breaks; {noticed} of {len(counted)} that count were noticed")


if __name__ == "__main__":
    main()
