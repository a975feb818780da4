"""tinygrad's emulator of AMD's instructions, as far as it is needed to run a code object.

It comes from a clone of tinygrad, given by path; what it lacks is here. Its instructions are made
from the pseudocode of AMD's manuals, by a C compiler.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import struct
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import ziglang
from elftools.elf.elffile import ELFFile

from amd_instructions import FAMILIES, Wave, is_own, replacements

if TYPE_CHECKING:
    from collections.abc import Callable

    from amd_instructions import Instruction
    from amd_kernels import Chip
    from kernel_launches import Launch

_KERNEL = "opparity_kernel.kd"
_PAGE = 4096
# In the emulator's scalar registers the address of the instruction.
_PC = 256


@dataclass(frozen=True, slots=True)
class Program:
    """A code object in memory.

    Attributes:
        memory: keeps it there.
        entry: the address of the first instruction.
        resources: COMPUTE_PGM_RSRC2 of the kernel's descriptor: which registers are set up.
    """

    memory: Any
    entry: int
    size: int
    resources: int


def load(path: Path) -> Program:
    """Put a code object's segments in memory as its headers say."""
    with path.open("rb") as file:
        elf: Any = ELFFile(file)
        segments = [part for part in elf.iter_segments() if part["p_type"] == "PT_LOAD"]
        size = max(part["p_vaddr"] + part["p_memsz"] for part in segments)
        memory = ctypes.create_string_buffer(size + 2 * _PAGE)
        base = -(-ctypes.addressof(memory) // _PAGE) * _PAGE
        for part in segments:
            ctypes.memmove(base + part["p_vaddr"], part.data(), part["p_filesz"])
        symbols = elf.get_section_by_name(".dynsym").get_symbol_by_name(_KERNEL)
    descriptor = base + symbols[0]["st_value"]
    fields = ctypes.string_at(descriptor, 64)
    entry = descriptor + struct.unpack_from("<q", fields, 16)[0]
    return Program(memory, entry, size, struct.unpack_from("<I", fields, 52)[0])


class Emulator:
    """Runs programs of one chip."""

    def __init__(self, tinygrad: Path, chip: Chip, folder: Path) -> None:
        """Import tinygrad's emulator from a clone; `folder` is for the compiler and its results."""
        self._chip = chip
        self._family = FAMILIES[chip.name[:5]]
        _use_compiler(folder)
        sys.path.insert(0, str(tinygrad))
        self._module: Any = importlib.import_module("test.mockgpu.amd.emu")
        # It flushes subnormal numbers, and these kernels are compiled not to.
        vars(self._module)["_get_ftz_lib"] = lambda: (None, 0)
        self._decode = self._module._decode_at
        vars(self._module)["_decode_at"] = self._decode_at
        self._replacements = replacements(chip)
        self.replaced: set[str] = set()

    def run(self, program: Program, launch: Launch) -> None:
        """Run a launch, workgroup by workgroup."""
        arguments = ctypes.create_string_buffer(launch.arguments, len(launch.arguments))
        self._module.run_asm(
            *(program.entry, program.size, launch.x, launch.y, 1, launch.threads, 1, 1),
            *(ctypes.addressof(arguments), program.resources, 0, self._family),
        )

    def _decode_at(self, address: int, family: str) -> tuple[Any, Any]:
        """Stand in for tinygrad's function: a runner and the instruction at an address."""
        code = ctypes.string_at(address, 16)
        instruction = self._module.decode_inst(code, family)
        name = self._module._op_name(instruction).removesuffix("_E64")
        act = self._replacements.get(name)
        if act is None or not is_own(act, instruction):
            return self._decode(address, family)  # type: ignore[no-any-return]
        self.replaced.add(name)
        return (_Settings(), _Runner(partial(self._act, act, instruction))), instruction

    def _act(
        self,
        act: Callable[[Wave, Any], None],
        instruction: Instruction,
        scalars: ctypes.c_uint64,
        vectors: ctypes.c_uint64,
    ) -> None:
        lanes = self._chip.lanes
        wave = Wave(lanes, _words(scalars, 260), _words(vectors, 256 * lanes).reshape(256, lanes))
        act(wave, instruction)
        pc = wave.scalars[_PC : _PC + 2].view(np.uint64)
        pc += np.uint64(instruction.size())


class _Settings:
    """What the emulator reads of a compiled instruction: its buffers, scalars and vectors."""

    class arg:  # noqa: N801 -- tinygrad's name
        globals = (0, 1)


@dataclass(frozen=True, slots=True)
class _Runner:
    fxn: Callable[..., None]


def _words(address: ctypes.c_uint64, count: int) -> np.ndarray:
    return np.ctypeslib.as_array((ctypes.c_uint32 * count).from_address(address.value))


def _use_compiler(folder: Path) -> None:
    """Have tinygrad compile by the clang of ziglang, and keep what it compiles in the folder."""
    compiler = folder / "clang"
    compiler.write_text(f'#!/bin/sh\nexec "{Path(ziglang.__file__).parent}/zig" clang "$@"\n')
    compiler.chmod(0o755)
    os.environ["CC"] = str(compiler)
    os.environ["CACHEDB"] = str(folder / "tinygrad.db")
