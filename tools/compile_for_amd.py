"""`make amd`: compile kernels for every AMD chip, and look at their assembly as the tests do.

Every producer, input, precision and shape with one recipe, every recipe with one producer, and
every kernel backward, and some of whole rows; `--few` compiles the tests' list for every chip
instead of one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

from amd_kernels import CHIPS, Assembly, Chip, Compiler, objections
from kernel_calls import defines_of
from kernel_launches import Launcher
from kernel_variants import (
    Variant,
    backward,
    covering,
    forward,
    of_gradients,
    of_sums,
    rows,
    side_by_side,
)


def main() -> None:
    """Compile, and end with 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--few", action="store_true")
    given = parser.parse_args()
    variants = side_by_side() + rows() + of_sums() + of_gradients()
    if given.few:
        variants = covering(forward()) + covering(backward()) + rows() + of_sums() + of_gradients()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        launcher = Launcher(Path(folder) / "launches")
        compiler = Compiler(Path(folder) / "sources", launcher.folder)
        defines = {variant: defines_of(launcher, variant) for variant in variants}

        def examine(job: tuple[Chip, Variant]) -> tuple[Chip, Variant, int, list[str]]:
            chip, variant = job
            assembly = Assembly(compiler.assembly(chip, defines[variant]))
            wrong = objections(chip, variant, assembly, launcher.argument_bytes)
            return chip, variant, assembly.numbers("vgpr_count")[0], wrong

        with ThreadPoolExecutor(given.jobs) as threads:
            results = list(threads.map(examine, product(CHIPS, variants)))
    report(results)
    seconds = time.monotonic() - started
    wrong = sum(bool(found) for *_, found in results)
    print(f"{len(results)} kernels, {wrong} of them not as they have to be, {seconds:.0f} s")
    sys.exit(wrong > 0)


def report(results: list[tuple[Chip, Variant, int, list[str]]]) -> None:
    """Print what is wrong, and the most registers that a kernel of each chip takes."""
    for chip, variant, _, wrong in results:
        for objection in wrong:
            print(f"{chip.name}: {variant.name}: {objection}")
    for chip in CHIPS:
        registers, name = max((n, v.name) for c, v, n, _ in results if c is chip)
        print(f"{chip.name}: at most {registers} vector registers ({name})")


if __name__ == "__main__":
    main()
