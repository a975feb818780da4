"""Run kernels of one AMD chip in an emulator, and compare every byte with the reference.

python tools/emulate_amd.py CHIP --tinygrad CLONE, as `make emulate TINYGRAD=CLONE` does. Runs the
tests' few variants, forward and backward, with hard inputs, and every producer with every named
recipe in every layout. Where all are equal it writes docs/evidence/rocm-CHIP.json; otherwise it
ends with status 1.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import evidence
from amd_emulator import Emulator, load
from amd_kernels import CHIPS, Chip, Compiler
from kernel_calls import Call, call_of, calls_of, prepare
from kernel_launches import Launcher
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
    from amd_emulator import Program


class Comparison:
    """Calls on one chip, by the emulator."""

    def __init__(self, chip: Chip, tinygrad: Path, folder: Path) -> None:
        """Prepare to compile for a chip."""
        self._chip, self._folder = chip, folder
        self._launcher = Launcher(folder / "launches")
        self._compiler = Compiler(folder / "sources", self._launcher.folder)
        self._programs: dict[Variant, Program] = {}
        self.emulator = Emulator(tinygrad, chip, folder)
        self.cases = self.values = 0

    def differences(self, call: Call) -> list[str]:
        """Run a call; say what differs from the reference, or why it cannot be run."""
        prepared = prepare(call)
        plan = self._launcher.plan(prepared.text)
        program = self._programs.get(call.variant) or self._compile(call.variant, plan.defines)
        try:
            for launch in plan.launches:
                self.emulator.run(program, launch)
        except (RuntimeError, NotImplementedError, ArithmeticError) as error:
            return [f"{call.name}: not emulated: {error}"]
        self.cases += 1
        self.values += call.num_tokens * call.hidden_size
        return [f"{call.name}: {text}" for text in prepared.differences()]

    def _compile(self, variant: Variant, defines: tuple[str, ...]) -> Program:
        assembly = self._compiler.assembly(self._chip, defines)
        path = self._compiler.code_object(self._chip, assembly, self._folder / "kernel.hsaco")
        self._programs[variant] = load(path)
        return self._programs[variant]


def main() -> None:
    """Run all and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    chips = {chip.name: chip for chip in CHIPS}
    parser.add_argument("chip", choices=list(chips))
    parser.add_argument("--tinygrad", type=Path, required=True, help="a clone")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        comparison = Comparison(chips[given.chip], given.tinygrad.resolve(), Path(folder))
        wrong = [
            text
            for variant in covering(forward())
            + covering(backward())
            + rows()
            + of_sums()
            + of_gradients()
            for call in calls_of(variant)[::3]
            for text in comparison.differences(call)
        ]
        shown: dict[str, list[str]] = {}
        for number, (producer, recipe) in enumerate(evidence.combinations()):
            variant = of_recipe(producer, recipe, number)
            wrong += comparison.differences(call_of(variant, recipe, number))
            shown.setdefault(producer, []).append(recipe.text)
    print("\n".join(wrong) or "all equal", f"\n{comparison.cases} calls", flush=True)
    if wrong:
        sys.exit(1)
    print(write(comparison, given.chip, given.tinygrad, shown))


def write(comparison: Comparison, chip: str, tinygrad: Path, shown: dict[str, list[str]]) -> Path:
    """Write what was shown."""
    replaced = " and ".join(sorted(comparison.emulator.replaced))
    command = ["git", "-C", str(tinygrad), "rev-parse", "--short=8", "HEAD"]
    commit = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return evidence.Evidence(
        how="emulated",
        platform="rocm",
        device=f"{chip}, by tinygrad {commit} without its own {replaced}",
        with_what=f"clang of ziglang {importlib.metadata.version('ziglang')}",
        date=datetime.now(UTC).date().isoformat(),
        sources_sha256=evidence.digests("rocm"),
        cases=comparison.cases,
        values=comparison.values,
        combinations=shown,
    ).write(f"rocm-{chip}")


if __name__ == "__main__":
    main()
