"""Run kernels of one AMD chip in an emulator, and compare every byte with the reference.

python tools/emulate_amd.py CHIP --tinygrad CLONE, as `make emulate TINYGRAD=CLONE` does. Runs the
tests' few variants, forward and backward, with hard inputs, and every producer with every named
recipe in every layout. Where all are equal it writes docs/evidence/rocm-CHIP.json; otherwise it
ends with status 1.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import multiprocessing
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import torch

import evidence
from amd_kernels import CHIPS
from emulated_launches import EmulatedLauncher
from kernel_calls import Call, call_of, calls_of, prepare
from kernel_variants import (
    Variant,
    backward,
    covering,
    forward,
    of_gradients,
    of_recipe,
    of_sums,
    rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from kernel_launches import Launch


@dataclass
class Outcome:
    """What calls gave."""

    wrong: list[str] = field(default_factory=list)
    cases: int = 0
    values: int = 0
    # Instructions that are not tinygrad's own.
    replaced: set[str] = field(default_factory=set)

    def add(self, other: Outcome) -> None:
        """Count those of other calls, too."""
        self.wrong += other.wrong
        self.cases += other.cases
        self.values += other.values
        self.replaced |= other.replaced


# Of a process that emulates.
_launchers: list[EmulatedLauncher] = []


def prepare_process(chip: str, tinygrad: Path, folder: Path) -> None:
    """Make what the process compiles and runs by, in a folder of its own."""
    torch.set_num_threads(1)
    _launchers.append(EmulatedLauncher(Path(tempfile.mkdtemp(dir=folder)), chip, tinygrad))


def compare(calls: list[Call]) -> Outcome:
    """Run calls of one variant; note what differs from the reference, or why one cannot be run."""
    (launcher,) = _launchers
    outcome = Outcome()
    kernel: Callable[[Launch], None] | None = None
    for call in calls:
        prepared = prepare(call)
        plan = launcher.plan(prepared.text)
        kernel = kernel or launcher.compile(plan)
        try:
            for launch in plan.launches:
                kernel(launch)
        except (RuntimeError, NotImplementedError, ArithmeticError) as error:
            outcome.wrong.append(f"{call.name}: not emulated: {error}")
            continue
        outcome.cases += 1
        outcome.values += call.num_tokens * call.hidden_size
        outcome.wrong += [f"{call.name}: {text}" for text in prepared.differences()]
    outcome.replaced |= launcher.emulator.replaced
    return outcome


def all_calls() -> list[Call]:
    """Return the tests' calls, and one of each combination of docs/operators.md."""
    variants = covering(forward()) + covering(backward()) + rows() + of_sums() + of_gradients()
    return [call for variant in variants for call in calls_of(variant)[::3]] + [
        call_of(of_recipe(producer, recipe, number), recipe, number)
        for number, (producer, recipe) in enumerate(evidence.combinations())
    ]


def main() -> None:
    """Run all and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chip", choices=[chip.name for chip in CHIPS])
    parser.add_argument("--tinygrad", type=Path, required=True, help="a clone")
    parser.add_argument("--processes", type=int, default=1)
    given = parser.parse_args()
    by_variant: dict[Variant, list[Call]] = {}
    for call in all_calls():
        by_variant.setdefault(call.variant, []).append(call)
    outcome = Outcome()
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(
            given.processes,
            # Torch's threads do not survive a fork.
            multiprocessing.get_context("spawn"),
            prepare_process,
            (given.chip, given.tinygrad.resolve(), Path(folder)),
        ) as pool,
    ):
        for each in pool.map(compare, by_variant.values()):
            outcome.add(each)
    print("\n".join(outcome.wrong) or "all equal", f"\n{outcome.cases} calls", flush=True)
    if outcome.wrong:
        sys.exit(1)
    print(write(outcome, given.chip, given.tinygrad))


def write(outcome: Outcome, chip: str, tinygrad: Path) -> Path:
    """Write what was shown."""
    shown: dict[str, list[str]] = {}
    for producer, recipe in evidence.combinations():
        shown.setdefault(producer, []).append(recipe.text)
    replaced = " and ".join(sorted(outcome.replaced))
    command = ["git", "-C", str(tinygrad), "rev-parse", "--short=8", "HEAD"]
    commit = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return evidence.Evidence(
        how="emulated",
        platform="rocm",
        device=f"{chip}, by tinygrad {commit} without its own {replaced}",
        with_what=f"clang of ziglang {importlib.metadata.version('ziglang')}",
        date=datetime.now(UTC).date().isoformat(),
        sources_sha256=evidence.digests("rocm"),
        cases=outcome.cases,
        values=outcome.values,
        combinations=shown,
    ).write(f"rocm-{chip}")


if __name__ == "__main__":
    main()
