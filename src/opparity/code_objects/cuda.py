"""CUDA kernels, compiled by nvcc for every architecture into one compressed file."""

from __future__ import annotations

import re
import subprocess
from typing import Any

from opparity.code_objects import manifest

# What torch 2.11 and newer run on. Code for sm_80 serves 8.7, that for sm_100 serves 10.3 and that
# for sm_120 serves 12.1; the driver compiles the PTX of compute_90 for architectures in between and
# that of compute_120 for what comes.
ARCHITECTURES = ("75", "80", "86", "89", "90", "100", "120")
PTX = ("90", "120")
# No contraction, no flushing, no approximate division: the numerics contract.
FLAGS = ("-std=c++20", "-O3", "-fmad=false", "-ftz=false", "-prec-div=true", "-prec-sqrt=true")


def sources(operator: str) -> tuple[str, ...]:
    """Return what an operator's kernels are compiled from; the last one is the main file."""
    return ("native/numerics.cuh", "native/overlap.cuh", f"operators/{operator}/cuda_kernel.cu")


def flags() -> tuple[str, ...]:
    """Return nvcc's options, those that name the architectures too."""
    codes = [f"arch=compute_{number},code=sm_{number}" for number in ARCHITECTURES]
    codes += [f"arch=compute_{number},code=compute_{number}" for number in PTX]
    return (*FLAGS, "-fatbin", "-Xfatbin=-compress-all", *(f"-gencode={code}" for code in codes))


def compile_operator(operator: str, jobs: int) -> dict[str, Any] | None:
    """Compile an operator's kernels; return its entry of the manifest, None where it has none."""
    source = manifest.SOURCES / sources(operator)[-1]
    if not source.is_file():
        return None
    shown = subprocess.run(["nvcc", "--version"], check=True, capture_output=True, text=True)  # noqa: S607
    version = re.search(r"release [0-9.]+, V([0-9.]+)", shown.stdout)
    assert version is not None, shown.stdout
    compiler = f"nvcc {version[1]}"
    target = manifest.FOLDER / f"{operator}.fatbin"
    subprocess.run(
        [  # noqa: S607 -- nvcc is found on PATH
            "nvcc",
            *flags(),
            f"--threads={jobs}",
            f"-I{manifest.SOURCES}",
            str(source),
            "-o",
            str(target),
        ],
        check=True,
    )
    return {
        "file": target.name,
        "compiler": compiler,
        "architectures": [f"sm_{number}" for number in ARCHITECTURES],
        "ptx": [f"compute_{number}" for number in PTX],
        "made_from_sha256": manifest.made_from(sources(operator), compiler, flags()),
        "sha256": manifest.sha256(target),
    }
