"""Random calls of the CPU kernel alone: under sanitizers, and on processors that are emulated.

    python tools/attack_kernel.py --build thread --cases 2000
    python tools/attack_kernel.py --build aarch64 --cases 20000

Each result is compared with the reference; two threads share each call, and every tensor ends where
no memory is. Ends with status 1 where a byte differs, or with the sanitizer's.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from kernel_random_cases import random_cases
from native.test_cpu_kernel import (
    AARCH64_COMPILER,
    AARCH64_EMULATOR,
    FLAGS,
    compile_kernel,
    differences,
    encoded,
)

# What is encoded at a time, to be kept in memory.
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Build:
    """How the kernel is compiled, and what runs it."""

    compiler: str
    capability: str
    flags: tuple[str, ...]
    link: tuple[str, ...] = ("-static",)
    runner: tuple[str, ...] = ()


def _sanitized(*sanitizers: str) -> tuple[str, ...]:
    return (*FLAGS["avx2"], "-O1", "-g1", *(f"-fsanitize={one}" for one in sanitizers))


BUILDS = {
    "thread": Build("g++", "avx2", _sanitized("thread"), ()),
    "address": Build("g++", "avx2", _sanitized("address", "undefined"), ()),
    "avx512": Build("g++", "avx512", FLAGS["avx512"]),
    "aarch64": Build(AARCH64_COMPILER, "baseline", (), runner=(AARCH64_EMULATOR,)),
}


def main() -> None:
    """Compile, run and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", choices=list(BUILDS), required=True)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    build = BUILDS[options.build]
    os.environ.setdefault("TSAN_OPTIONS", "halt_on_error=1")
    os.environ.setdefault("UBSAN_OPTIONS", "halt_on_error=1")
    done = wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        program = compile_kernel(
            Path(folder), build.compiler, build.capability, *build.flags, link=build.link
        )
        drawn = random_cases(options.cases, options.seed)
        while chosen := list(islice(drawn, BATCH)):
            found = differences(program, encoded(chosen), *build.runner)
            done, wrong = done + len(chosen), wrong + len(found)
            print("\n".join([*found, f"{done:,} calls, {wrong:,} different"]), flush=True)
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
