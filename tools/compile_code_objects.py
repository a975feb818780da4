"""Compile the CUDA kernels ahead of time: python tools/compile_code_objects.py [--jobs 2].

Needs nvcc 13 on PATH, and no GPU. For each operator with a cuda_kernel.cu it writes
src/opparity/code_objects/objects/<operator>.fatbin, machine code for every architecture below, and
the manifest that says what it was made from. Installing the package needs neither.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
from typing import TYPE_CHECKING

from opparity.code_objects.manifest import FOLDER, SOURCES, source_digest
from opparity.operators import OPERATORS

if TYPE_CHECKING:
    from pathlib import Path

# What torch 2.11 and newer run on. Code for sm_80 serves 8.7, that for sm_100 serves 10.3 and that
# for sm_120 serves 12.1; the driver compiles the PTX of compute_90 for architectures in between and
# that of compute_120 for what comes.
ARCHITECTURES = ("75", "80", "86", "89", "90", "100", "120")
PTX = ("90", "120")
# No contraction, no flushing, no approximate division: the numerics contract.
FLAGS = ("-std=c++20", "-O3", "-fmad=false", "-ftz=false", "-prec-div=true", "-prec-sqrt=true")


def main() -> None:
    """Compile and write the fatbins and the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    jobs = parser.parse_args().jobs
    version = subprocess.run(["nvcc", "--version"], check=True, capture_output=True, text=True)  # noqa: S607
    compiler = re.search(r"release ([0-9.]+), V([0-9.]+)", version.stdout)
    assert compiler is not None, version.stdout
    FOLDER.mkdir(exist_ok=True)
    manifest: dict[str, object] = {"schema_version": 1, "compiler": f"nvcc {compiler[2]}"}
    objects = {}
    for operator in OPERATORS:
        source = SOURCES / "operators" / operator.name / "cuda_kernel.cu"
        if not source.is_file():
            continue
        target = FOLDER / f"{operator.name}.fatbin"
        compile_fatbin(source, target, jobs)
        objects[operator.name] = {
            "file": target.name,
            "architectures": [f"sm_{number}" for number in ARCHITECTURES],
            "ptx": [f"compute_{number}" for number in PTX],
            "source_sha256": source_digest(operator.name),
            "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        }
        print(f"{target.name}: {target.stat().st_size:,} bytes")
    manifest["objects"] = objects
    (FOLDER / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def compile_fatbin(source: Path, target: Path, jobs: int) -> None:
    """Compile one source for every architecture into one compressed file."""
    codes = [f"arch=compute_{number},code=sm_{number}" for number in ARCHITECTURES]
    codes += [f"arch=compute_{number},code=compute_{number}" for number in PTX]
    subprocess.run(
        [  # noqa: S607 -- nvcc is found on PATH
            "nvcc",
            *FLAGS,
            "-fatbin",
            "-Xfatbin=-compress-all",
            f"--threads={jobs}",
            *(f"-gencode={code}" for code in codes),
            f"-I{SOURCES}",
            str(source),
            "-o",
            str(target),
        ],
        check=True,
    )


if __name__ == "__main__":
    main()
