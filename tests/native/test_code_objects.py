"""The precompiled kernels are those of the sources, for every architecture, under every name."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import triton

from native_programs import HERE, compile_cpp
from opparity.code_objects import cuda, hip, manifest

if TYPE_CHECKING:
    from types import ModuleType

OBJECTS = manifest.read()
COMPILERS = {"cuda": cuda, "hip": hip}
ENTRIES = [
    pytest.param(COMPILERS[platform], operator, entry, id=f"{operator}-{platform}")
    for operator, platforms in OBJECTS.items()
    for platform, entry in platforms.items()
]
CUOBJDUMP = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"


@pytest.fixture(scope="module")
def kernel_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    program = tmp_path_factory.mktemp("shapes") / "shapes"
    compile_cpp(program, "-O2", HERE / "launch_shapes.cpp")
    completed = subprocess.run([program], check=True, capture_output=True, text=True)
    return set(completed.stdout.split())


@pytest.mark.parametrize(("compiler", "operator", "entry"), ENTRIES)
def test_the_code_objects_were_made_from_these_sources_with_these_flags(
    compiler: ModuleType, operator: str, entry: dict[str, str]
) -> None:
    # `python tools/compile_code_objects.py` makes them anew.
    made_from = manifest.made_from(compiler.sources(operator), entry["compiler"], compiler.flags())
    assert entry["made_from_sha256"] == made_from


def test_the_digest_depends_on_source_compiler_and_flags(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(manifest, "SOURCES", tmp_path)
    source = tmp_path / "kernel.cu"
    source.write_text("one")
    digests = [
        manifest.made_from(["kernel.cu"], "nvcc 13.0", ["-O3", "-ftz=false"]),
        manifest.made_from(["kernel.cu"], "nvcc 13.1", ["-O3", "-ftz=false"]),
        manifest.made_from(["kernel.cu"], "nvcc 13.0", ["-O3", "-ftz=true"]),
        manifest.made_from(["kernel.cu"], "nvcc 13.0", ["-O3"]),
    ]
    source.write_text("two")
    digests.append(manifest.made_from(["kernel.cu"], "nvcc 13.0", ["-O3", "-ftz=false"]))
    assert len(set(digests)) == len(digests)


def test_the_files_are_those_that_were_made_and_no_others() -> None:
    expected = {"manifest.json"}
    for platforms in OBJECTS.values():
        expected.add(platforms["hip"]["kernels"])
        for made in (platforms["cuda"], *platforms["hip"]["files"].values()):
            expected.add(made["file"])
            assert manifest.sha256(manifest.FOLDER / made["file"]) == made["sha256"]
    assert {path.name for path in manifest.FOLDER.iterdir()} == expected


def test_every_operator_with_kernels_has_code_objects_for_each_platforms_architectures() -> None:
    for platform, pattern in (("cuda", "cuda_kernel.cu"), ("hip", "hip_kernels.py")):
        folders = {path.parent.name for path in manifest.SOURCES.glob(f"operators/*/{pattern}")}
        assert folders == {name for name, platforms in OBJECTS.items() if platform in platforms}
    for platforms in OBJECTS.values():
        assert tuple(platforms["hip"]["files"]) == hip.ARCHITECTURES
        kernels = json.loads((manifest.FOLDER / platforms["hip"]["kernels"]).read_text("utf-8"))
        for facts in kernels.values():
            assert set(hip.ARCHITECTURES) < set(facts)


def test_nothing_of_the_compiling_machine_is_in_a_code_object() -> None:
    for path in manifest.FOLDER.glob("*.hsaco"):
        data = path.read_bytes()
        for word in (b".py", b".ttir", str(manifest.SOURCES).encode()):
            assert word not in data, (path.name, word)


def test_every_architecture_has_every_kernel_that_the_launcher_may_ask_for(
    kernel_names: set[str],
) -> None:
    entry = OBJECTS["silu_and_mul_per_block_quant"]["cuda"]
    assert len(kernel_names) == 300
    for architecture in entry["architectures"]:
        completed = subprocess.run(
            [CUOBJDUMP, "-symbols", "-arch", architecture, manifest.FOLDER / entry["file"]],
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
    for entry in (platforms["cuda"] for platforms in OBJECTS.values()):
        completed = subprocess.run(
            [CUOBJDUMP, "-sass", "-arch", "sm_90", manifest.FOLDER / entry["file"]],
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
