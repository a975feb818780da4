"""The GPU kernel's real source, compiled by the real NVRTC as the library does it."""

from __future__ import annotations

import os
import random
import re
import subprocess
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from kernel_calls import defines_of
from kernel_kinds import kinds_of
from kernel_launches import Launcher
from kernel_variants import backward, covering, forward, of_gradients, of_sums
from native_programs import COMPILERS, HERE, compile_cpp, compile_library, write_sources
from nvrtc_kernels import compile_kernel

NVRTC = Path(str(distribution("nvidia-cuda-nvrtc").locate_file("nvidia")))
NVDISASM = Path(str(distribution("nvidia-cuda-nvdisasm").locate_file("nvidia/cu13/bin/nvdisasm")))
# Turing is the oldest that NVRTC 13 knows. Every two traits are tried together for one of them.
ARCHITECTURES = ("sm_75", "sm_80", "sm_89", "sm_90", "sm_100", "sm_103", "sm_120")
THOROUGH = "sm_90"


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant of the kernel, with the macros that compile it."""

    name: str
    defines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compiler:
    """The program that compiles, what it takes for torch, and what there is to compile."""

    program: Path
    torch: Path
    variants: list[Variant]

    def compile(
        self, variants: list[Variant], architecture: str, folder: Path
    ) -> tuple[list[str], list[Path]]:
        """Return what the program prints, and a file for each variant."""
        completed = subprocess.run(
            [self.program, "nvrtc", architecture, folder],
            input="".join("\t".join((v.name, *v.defines)) + "\n" for v in variants),
            env={**os.environ, "LD_PRELOAD": str(self.torch)},
            capture_output=True,
            text=True,
            check=False,
        )
        files = [folder / str(number) for number in range(len(variants))]
        return completed.stdout.splitlines(), files


@pytest.fixture(scope="module")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Compiler:
    folder = tmp_path_factory.mktemp("nvrtc")
    write_sources(folder)
    # As in an environment with torch's wheel, which has NVRTC's beside it.
    torch = folder / "torch" / "lib" / "libtorch_cpu.so"
    compile_library(torch, HERE / "stand_in_torch.cpp")
    (folder / "nvidia").symlink_to(NVRTC)
    program = compile_cpp(
        folder / "compile",
        HERE / "compile_program.cpp",
        folder / "embedded_sources.cpp",
        *COMPILERS,
    )
    launcher = Launcher(folder)
    # tools/run_every_kernel.py has a GPU run all sums and gradients.
    variants = covering(forward()) + covering(backward()) + of_sums()[::3] + of_gradients()[::3]
    named = [Variant(v.name, defines_of(launcher, v)) for v in variants]
    named += [Variant(name, defines) for name, defines in kinds_of(launcher).items()]
    return Compiler(program, torch, named)


def few(variants: list[Variant], seed: int) -> list[Variant]:
    """Return few variants in which every macro occurs."""
    waiting = random.Random(seed).sample(variants, len(variants))  # noqa: S311 -- tests, not secrets
    seen: set[str] = set()
    drawn = []
    for variant in waiting:
        if not seen.issuperset(variant.defines):
            seen |= set(variant.defines)
            drawn.append(variant)
    return drawn


def sections(code: Path) -> list[str]:
    """Return the names of the sections of machine code: one of text for each kernel."""
    with code.open("rb") as file:
        return [section.name for section in ELFFile(file).iter_sections()]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_source_compiles_to_one_kernel_for_every_generation(
    compiler: Compiler, tmp_path: Path, architecture: str
) -> None:
    variants = compiler.variants if architecture == THOROUGH else few(compiler.variants, 0)
    lines, files = compiler.compile(variants, architecture, tmp_path)
    beside = compiler.torch.parent / "../../nvidia/cu13/lib/libnvrtc.so.13"
    assert lines[0] == f"NVRTC 13.0, {beside}"
    assert len(lines) == 1 + len(variants), lines[-1]
    for file in files:
        names = sections(file)
        assert [name for name in names if name.startswith(".text")] == [".text.opparity_kernel"]


def test_no_variant_touches_memory_before_it_has_waited_for_the_kernel_before_it(
    compiler: Compiler, tmp_path: Path
) -> None:
    # Launches overlap from Hopper on. ACQBULK is the wait, and LDG and STG are global loads and
    # stores; the kernel's arguments come from the constant bank.
    variants = few(compiler.variants, 1)
    lines, files = compiler.compile(variants, "sm_90", tmp_path)
    assert len(lines) == 1 + len(variants), lines[-1]
    for variant, file in zip(variants, files, strict=True):
        assembly = subprocess.run(
            [NVDISASM, "-ndf", file], check=True, capture_output=True, text=True
        ).stdout
        first = re.search(r"\b(ACQBULK|LDG|STG|LD|ST|ATOMG?|RED|UBLKCP|LDGSTS)\b", assembly)
        assert first is not None, variant.name
        assert first[1] == "ACQBULK", variant.name


def test_a_chip_that_is_newer_than_nvrtc_gets_ptx_that_its_driver_translates(
    compiler: Compiler, tmp_path: Path
) -> None:
    _, [file] = compiler.compile(compiler.variants[:1], "sm_999", tmp_path)
    text = file.read_text("ascii")
    # cuModuleLoadData tells text by its end.
    assert text.endswith("\0")
    target = re.search(r"^\.target sm_(\d+)$", text, re.MULTILINE)
    assert target is not None
    assert int(target[1]) >= 120
    assert ".entry opparity_kernel(" in text


def test_a_mistake_in_the_source_is_told_with_nvrtcs_own_words(
    compiler: Compiler, tmp_path: Path
) -> None:
    known = compiler.variants[0]
    wrong = tuple(
        "OPPARITY_PRODUCER=NoProducer" if word.startswith("OPPARITY_PRODUCER=") else word
        for word in known.defines
    )
    lines, _ = compiler.compile([Variant("a mistake", wrong)], "sm_90", tmp_path)
    assert lines[1] == (
        "refused: NVRTC 13.0 does not compile a mistake for sm_90: NVRTC_ERROR_COMPILATION"
    )
    assert lines[2].startswith("native/gpu/kernel.h(")
    assert "error: name followed by" in lines[2]


def test_the_kernel_that_tries_every_reciprocal_on_a_gpu_compiles(tmp_path: Path) -> None:
    file = compile_kernel("reciprocal_kernel.h", "sm_90", tmp_path)
    assembly = subprocess.run(
        [NVDISASM, "-ndf", file], check=True, capture_output=True, text=True
    ).stdout
    # The approximation and two fused steps, and no division in their place.
    assert re.findall(r"\b(MUFU\.\w+|FFMA|CALL|BSSY)\b", assembly) == ["MUFU.RCP", "FFMA", "FFMA"]
