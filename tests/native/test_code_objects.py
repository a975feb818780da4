"""The precompiled kernels are those of the sources, for every architecture, under every name."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import triton

from opparity.code_objects.manifest import FOLDER, SOURCES, source_digest

MANIFEST = json.loads((FOLDER / "manifest.json").read_text("utf-8"))
CUOBJDUMP = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"


@pytest.fixture(scope="module")
def kernel_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    program = tmp_path_factory.mktemp("shapes") / "shapes"
    subprocess.run(
        [
            "g++",
            "-std=c++20",
            "-O2",
            f"-I{SOURCES}",
            Path(__file__).parent / "launch_shapes.cpp",
            "-o",
            program,
        ],
        check=True,
    )
    completed = subprocess.run([program], check=True, capture_output=True, text=True)
    return set(completed.stdout.split())


@pytest.mark.parametrize("operator", MANIFEST["objects"])
def test_the_code_objects_were_made_from_these_sources(operator: str) -> None:
    # `python tools/compile_code_objects.py` makes them anew.
    entry = MANIFEST["objects"][operator]
    assert entry["source_sha256"] == source_digest(operator)
    data = (FOLDER / entry["file"]).read_bytes()
    assert entry["sha256"] == hashlib.sha256(data).hexdigest()


def test_every_operator_with_a_cuda_kernel_has_a_code_object() -> None:
    sources = {path.parent.name for path in SOURCES.glob("operators/*/cuda_kernel.cu")}
    assert sources == set(MANIFEST["objects"])


def test_every_architecture_has_every_kernel_that_the_launcher_may_ask_for(
    kernel_names: set[str],
) -> None:
    entry = MANIFEST["objects"]["silu_and_mul_per_block_quant"]
    assert len(kernel_names) == 300
    for architecture in entry["architectures"]:
        completed = subprocess.run(
            [CUOBJDUMP, "-symbols", "-arch", architecture, FOLDER / entry["file"]],
            check=True,
            capture_output=True,
            text=True,
        )
        found = {
            line.split()[-1]
            for line in completed.stdout.splitlines()
            if "STO_ENTRY" in line and "STT_FUNC" in line
        }
        assert found == kernel_names, architecture


def test_no_kernel_touches_memory_before_it_has_waited_for_the_kernel_before_it() -> None:
    # Launches overlap from Hopper on (native/overlap.cuh). ACQBULK is the wait, and LDG and STG are
    # global loads and stores; the kernel's arguments come from the constant bank.
    for entry in MANIFEST["objects"].values():
        completed = subprocess.run(
            [CUOBJDUMP, "-sass", "-arch", "sm_90", FOLDER / entry["file"]],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": f"{CUOBJDUMP.parent}{os.pathsep}{os.environ['PATH']}"},
        )
        kernels = completed.stdout.split("Function : ")[1:]
        assert kernels
        for kernel in kernels:
            first = re.search(r"\b(ACQBULK|LDG|STG|LD|ST|ATOMG?|RED|UBLKCP|LDGSTS)\b", kernel)
            assert first is not None, kernel.split()[0]
            assert first[1] == "ACQBULK", kernel.split()[0]
