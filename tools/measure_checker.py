"""Time `opparity check` on a tree, and on 2, 4 and 8 copies of it under other names.

    python tools/measure_checker.py TREE [--copies 1,2,4,8] [--repeat 3] [--processors 2]
        [--plot FILE] [--work FOLDER]

TREE is a folder or an archive. Each time is of a new process without any cache of an earlier one;
the files may be in the operating system's memory. multiply_tree.py says what the copies are.
The table is Markdown; its seconds are of the fastest of the runs.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from multiply_tree import Multiplier
from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opparity.checker.analysis.project import Project


@dataclass(frozen=True, slots=True)
class Run:
    """What one process took, those that it started included: seconds, and bytes at most."""

    wall: float
    user: float
    system: float
    memory: int


@dataclass(frozen=True, slots=True)
class Size:
    """How large a tree is, by what the checker found in it."""

    files: int
    megabytes: float
    operators: int
    targets: int


def run(arguments: Sequence[str | Path], processors: int, repeat: int) -> Run:
    """Return the fastest of some runs of the `opparity` command on some of the processors."""
    command = [sys.executable, "-m", "opparity", *map(str, arguments)]
    return min((_run_once(command, processors) for _ in range(repeat)), key=lambda run: run.wall)


def _run_once(command: Sequence[str], processors: int) -> Run:
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, allowed[:processors])
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    try:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    finally:
        wall = time.perf_counter() - started
        os.sched_setaffinity(0, allowed)
    if done.returncode not in {0, 1}:
        raise SystemExit(f"{' '.join(command)}: exit status {done.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Run(
        wall,
        after.ru_utime - before.ru_utime,
        after.ru_stime - before.ru_stime,
        after.ru_maxrss * 1024,
    )


def size(project: Project) -> Size:
    """Return the size of a tree that was read."""
    contents = [place for place in project.tree.places.values() if place is not None]
    return Size(
        len(contents),
        sum(map(len, contents)) / 1e6,
        len(Analysis(project).operators.known),
        sum(len(build.targets) for build in project.builds),
    )


def measure_copies(
    tree: Path, copies: Sequence[int], processors: int, repeat: int, folder: Path
) -> list[tuple[int, Size, Run]]:
    """Return the size and time of each number of copies, laid into one folder."""
    multiplier = Multiplier(tree)
    laid = 0
    found: list[tuple[int, Size, Run]] = []
    for count in sorted(copies):
        for number in range(laid + 1, count + 1):
            multiplier.lay(number, folder)
        laid = count
        taken = run(["check", folder], processors, repeat)
        found.append((count, size(read_project(folder)), taken))
        print(_row(*found[-1]), flush=True)
    return found


def _row(count: int, size: Size, run: Run) -> str:
    cells = (
        *(f"{count}x", f"{size.files:,}", f"{size.megabytes:.1f}"),
        *(f"{size.operators:,}", f"{size.targets:,}"),
        *(f"{run.wall:.2f}", f"{run.user:.2f}", f"{run.system:.2f}"),
        *(f"{1000 * run.wall / size.files:.2f}", f"{run.memory / 1e6:.0f}"),
    )
    return f"| {' | '.join(cells)} |"


def plot(found: Sequence[tuple[int, Size, Run]], title: str, path: Path) -> None:
    """Draw seconds over files, beside the line through the smallest tree and the origin."""
    from matplotlib.figure import Figure  # noqa: PLC0415 -- a part of the evaluation extra

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    files = [size.files for _, size, _ in found]
    axes.plot(files, [run.wall for _, _, run in found], "o-", label="wall clock")
    processor = [run.user + run.system for _, _, run in found]
    axes.plot(files, processor, "s--", label="processor time of all processes")
    linear = [found[0][2].wall * count / files[0] for count in (0, files[-1])]
    axes.plot([0, files[-1]], linear, ":", color="grey", label="wall clock, if linear")
    for count, size, taken in found:
        place = (size.files, taken.wall)
        axes.annotate(f"{count}x", place, (6, -12), textcoords="offset points")
    axes.set(xlabel="files that are read", ylabel="seconds", title=title, xlim=0, ylim=0)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def main() -> None:
    """Measure, print the table and draw the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path)
    parser.add_argument("--copies", default="1,2,4,8")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--processors", type=int, default=2)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--work", type=Path, help="where the copies are laid (default: a new one)")
    arguments = parser.parse_args()
    copies = [int(each) for each in arguments.copies.split(",")]
    processors, repeat = arguments.processors, arguments.repeat
    circumstances = f"{processors} of {os.cpu_count()} processors ({_processor()})"
    print(f"{circumstances}, Python {platform.python_version()}, fastest of {repeat}\n")
    taken = run(["--help"], processors, repeat)
    print(f"opparity --help: {taken.wall:.2f} s, of processor time {taken.user + taken.system:.2f}")
    taken = run(["check", arguments.tree], processors, repeat)
    print(
        f"opparity check {arguments.tree.name}: {taken.wall:.2f} s, "
        f"of processor time {taken.user:.2f} user and {taken.system:.2f} system\n"
    )
    print(
        "| tree | files | MB | operators | targets | wall s | user s | system s | ms a file | MB |"
    )
    print("| --- |" + " ---: |" * 9)
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        found = measure_copies(arguments.tree, copies, processors, repeat, Path(folder))
    if arguments.plot is not None:
        plot(found, f"opparity check, copies of {arguments.tree.name}", arguments.plot)


if __name__ == "__main__":
    main()
