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
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
import ziglang
from elftools.elf.elffile import ELFFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from amd_kernels import Chip
    from kernel_launches import Launch

_KERNEL = "opparity_kernel.kd"
_PAGE = 4096
# In the emulator's scalar registers: the mask of active lanes, and the address of the instruction.
_EXEC, _PC = 126, 256
_FAMILIES = {"gfx94": "cdna", "gfx95": "cdna", "gfx11": "rdna3", "gfx12": "rdna4"}


class Instruction(Protocol):
    """What tinygrad's decoder returns; an operand is a register with an `offset`."""

    vdst: Any

    def size(self) -> int:
        """Return its bytes."""


@dataclass(frozen=True, slots=True)
class Wave:
    """The registers of a wave while one instruction runs."""

    lanes: int
    scalars: np.ndarray
    # By register and lane.
    vectors: np.ndarray

    @property
    def active(self) -> np.ndarray:
        """Which lanes run."""
        words = self.scalars[_EXEC : _EXEC + self.lanes // 32]
        return np.unpackbits(words.view(np.uint8), bitorder="little").astype(bool)

    def numbers(self, instruction: Any, name: str) -> np.ndarray:  # noqa: ANN401 -- tinygrad's type
        """Return the float32 numbers of an instruction's operand in each lane."""
        place = getattr(instruction, name).offset
        if place >= 256:
            vector: np.ndarray = self.vectors[place - 256]
            return vector.view(np.float32)
        if place == 255:
            return np.full(self.lanes, instruction.literal, np.uint32).view(np.float32)
        return np.full(self.lanes, self.scalars[place]).view(np.float32)


def swizzle(wave: Wave, instruction: Any) -> None:  # noqa: ANN401
    """DS_SWIZZLE_B32 in its bit mode, within halves of 32 lanes; an inactive lane gives zero."""
    pattern = instruction.offset0 | instruction.offset1 << 8
    if pattern & 0x8000:
        message = f"ds_swizzle_b32 with the pattern {pattern:#x} is not implemented"
        raise NotImplementedError(message)
    lane = np.arange(wave.lanes)
    keeps, sets, flips = pattern & 31, pattern >> 5 & 31, pattern >> 10 & 31
    source = (lane & 32) | ((((lane & 31) & keeps) | sets) ^ flips)
    active = wave.active
    given = np.where(active[source], wave.vectors[instruction.addr.offset - 256][source], 0)
    target = wave.vectors[instruction.vdst.offset - 256]
    target[active] = given[active]


def convert(wave: Wave, instruction: Any, dtype: torch.dtype) -> None:  # noqa: ANN401
    """V_CVT_PK_FP8_F32 and V_CVT_PK_BF8_F32 by torch, of numbers within the format's range."""
    if instruction.neg or instruction.abs:
        message = "an emulated conversion changes a sign, which is not implemented"
        raise NotImplementedError(message)
    active = wave.active
    pair = np.zeros(wave.lanes, np.uint32)
    for place, name in enumerate(("src0", "src1")):
        numbers = torch.from_numpy(wave.numbers(instruction, name).copy())
        # Beyond it hardware's answer hangs on a mode, so that no kernel may ask.
        if not bool((numbers[torch.from_numpy(active)].abs() <= torch.finfo(dtype).max).all()):
            message = "a number beyond the format is converted"
            raise ArithmeticError(message)
        codes = numbers.to(dtype).view(torch.uint8).numpy().astype(np.uint32)
        pair |= codes << np.uint32(8 * place)
    shift = np.uint32(16 if instruction.opsel & 8 else 0)
    target = wave.vectors[instruction.vdst.offset - 256]
    changed = (target & ~(np.uint32(0xFFFF) << shift)) | (pair << shift)
    target[active] = changed[active]


def divide(wave: Wave, instruction: Any) -> None:  # noqa: ANN401
    """V_DIV_FIXUP_F32, the last step of a division: the rounded quotient."""
    if instruction.neg or instruction.abs:
        message = "an emulated division changes a sign, which is not implemented"
        raise NotImplementedError(message)
    divisor, dividend = (wave.numbers(instruction, name) for name in ("src1", "src2"))
    with np.errstate(all="ignore"):
        quotient = (dividend / divisor).view(np.uint32)
    active = wave.active
    wave.vectors[instruction.vdst.offset - 256][active] = quotient[active]


def invalidate(wave: Wave, instruction: Any) -> None:  # noqa: ANN401
    """GLOBAL_INV: the emulator has no cache."""
    del wave, instruction


def widen(wave: Wave, instruction: Any) -> None:  # noqa: ANN401
    """V_CVT_F32_F16 of half a register by SDWA, with the sign that it changes."""
    words = {4: 0, 5: 16}
    if instruction.src0_sel not in words or instruction.dst_sel != 6:
        message = "an emulated conversion of a float16 selects bytes, which is not implemented"
        raise NotImplementedError(message)
    half = wave.vectors[instruction.vsrc0.offset - 256] >> np.uint32(words[instruction.src0_sel])
    bits = half.astype(np.uint16)
    if instruction.src0_abs:
        bits &= np.uint16(0x7FFF)
    if instruction.src0_neg:
        bits ^= np.uint16(0x8000)
    active = wave.active
    numbers = bits.view(np.float16).astype(np.float32).view(np.uint32)
    wave.vectors[instruction.vdst.offset - 256][active] = numbers[active]


def _changes_sign(instruction: Any) -> bool:  # noqa: ANN401
    """Whether an instruction by SDWA changes its source's sign, which tinygrad leaves as it is."""
    return bool(getattr(instruction, "src0_neg", 0) or getattr(instruction, "src0_abs", 0))


def _replacements(chip: Chip) -> dict[str, Callable[[Wave, Any], None]]:
    """Return what is done here and not by tinygrad, by the instruction's name."""
    is_fnuz = chip.name == "gfx942"
    fp8 = torch.float8_e4m3fnuz if is_fnuz else torch.float8_e4m3fn
    bf8 = torch.float8_e5m2fnuz if is_fnuz else torch.float8_e5m2
    return {
        "DS_SWIZZLE_B32": swizzle,
        "GLOBAL_INV": invalidate,
        "V_CVT_F32_F16_E32": widen,
        "V_DIV_FIXUP_F32": divide,
        "V_CVT_PK_FP8_F32": partial(convert, dtype=fp8),
        "V_CVT_PK_BF8_F32": partial(convert, dtype=bf8),
    }


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
        self._family = _FAMILIES[chip.name[:5]]
        _use_compiler(folder)
        sys.path.insert(0, str(tinygrad))
        self._module: Any = importlib.import_module("test.mockgpu.amd.emu")
        # It flushes subnormal numbers, and these kernels are compiled not to.
        vars(self._module)["_get_ftz_lib"] = lambda: (None, 0)
        self._decode = self._module._decode_at
        vars(self._module)["_decode_at"] = self._decode_at
        self._replacements = _replacements(chip)
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
        if act is None or (act is widen and not _changes_sign(instruction)):
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
