"""AMD's instructions that are done here and not by tinygrad's emulator, and why."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from amd_kernels import Chip

# In the emulator's scalar registers the mask of active lanes.
_EXEC = 126
# From here on a place among scalar registers says that none is an address.
_NO_SCALAR = 124
_FIRST_HIGH_HALF = 128
FAMILIES = {"gfx94": "cdna", "gfx95": "cdna", "gfx11": "rdna3", "gfx12": "rdna4"}


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
    """V_CVT_F32_F16 of a low half, or by SDWA of either half with the sign that it changes."""
    words = {4: 0, 5: 16}
    selected = getattr(instruction, "src0_sel", 4)
    if selected not in words or getattr(instruction, "dst_sel", 6) != 6:
        message = "an emulated conversion of a float16 selects bytes, which is not implemented"
        raise NotImplementedError(message)
    source = instruction.vsrc0 if hasattr(instruction, "vsrc0") else instruction.src0
    half = wave.vectors[source.offset - 256] >> np.uint32(words[selected])
    bits = half.astype(np.uint16)
    if getattr(instruction, "src0_abs", 0):
        bits &= np.uint16(0x7FFF)
    if getattr(instruction, "src0_neg", 0):
        bits ^= np.uint16(0x8000)
    active = wave.active
    numbers = bits.view(np.float16).astype(np.float32).view(np.uint32)
    wave.vectors[instruction.vdst.offset - 256][active] = numbers[active]


def narrow(wave: Wave, instruction: Any) -> None:  # noqa: ANN401
    """V_CVT_F16_F32 to a register's low half; the high one becomes zero."""
    with np.errstate(over="ignore"):
        halves = wave.numbers(instruction, "src0").astype(np.float16)
    active = wave.active
    target = wave.vectors[instruction.vdst.offset - 256]
    target[active] = halves.view(np.uint16).astype(np.uint32)[active]


def is_own(act: Callable[[Wave, Any], None], instruction: Any) -> bool:  # noqa: ANN401
    """Whether an instruction is not left to tinygrad.

    It leaves a float16's sign by SDWA as it is, and takes registers from 128 on for high halves, as
    RDNA names these.
    """
    if act is widen:
        if hasattr(instruction, "src0_sel"):
            return bool(instruction.src0_neg or instruction.src0_abs)
        return bool(instruction.src0.offset >= 256 + _FIRST_HIGH_HALF)
    if act is narrow:
        is_e32 = not hasattr(instruction, "dst_sel")
        return is_e32 and bool(instruction.vdst.offset >= 256 + _FIRST_HIGH_HALF)
    return True


def _addresses(wave: Wave, instruction: Any) -> np.ndarray:  # noqa: ANN401
    """Return each lane's address in global memory."""
    is_new = hasattr(instruction, "ioffset")
    place = (instruction.vaddr if is_new else instruction.addr).offset - 256
    offset = instruction.ioffset if is_new else instruction.offset
    # Signed: 24 bits of RDNA4, and 13 of the others.
    sign = 1 << (23 if is_new else 12)
    offset = (offset ^ sign) - sign
    low = wave.vectors[place].astype(np.uint64)
    scalar = instruction.saddr.offset
    if scalar < _NO_SCALAR:
        base = wave.scalars[scalar : scalar + 2].copy().view(np.uint64)[0]
    else:
        base = wave.vectors[place + 1].astype(np.uint64) << np.uint64(32)
    addresses: np.ndarray = low + base + np.int64(offset).astype(np.uint64)
    return addresses


def load_words(wave: Wave, instruction: Any, words: int) -> None:  # noqa: ANN401
    """GLOBAL_LOAD of whole words from any address."""
    addresses, target = _addresses(wave, instruction), instruction.vdst.offset - 256
    for lane in np.flatnonzero(wave.active):
        loaded = ctypes.string_at(int(addresses[lane]), 4 * words)
        wave.vectors[target : target + words, lane] = np.frombuffer(loaded, np.uint32)


def store_words(wave: Wave, instruction: Any, words: int) -> None:  # noqa: ANN401
    """GLOBAL_STORE of whole words to any address, which tinygrad rounds to a multiple of four."""
    data = instruction.vsrc if hasattr(instruction, "vsrc") else instruction.data
    source, addresses = data.offset - 256, _addresses(wave, instruction)
    for lane in np.flatnonzero(wave.active):
        stored = wave.vectors[source : source + words, lane].tobytes()
        ctypes.memmove(int(addresses[lane]), stored, len(stored))


def replacements(chip: Chip) -> dict[str, Callable[[Wave, Any], None]]:
    """Return what is done here and not by tinygrad, by the instruction's name."""
    is_fnuz = chip.name == "gfx942"
    is_cdna = FAMILIES[chip.name[:5]] == "cdna"
    fp8 = torch.float8_e4m3fnuz if is_fnuz else torch.float8_e4m3fn
    bf8 = torch.float8_e5m2fnuz if is_fnuz else torch.float8_e5m2
    return {
        "DS_SWIZZLE_B32": swizzle,
        "GLOBAL_INV": invalidate,
        **({"V_CVT_F32_F16_E32": widen, "V_CVT_F16_F32_E32": narrow} if is_cdna else {}),
        "V_DIV_FIXUP_F32": divide,
        "V_CVT_PK_FP8_F32": partial(convert, dtype=fp8),
        "V_CVT_PK_BF8_F32": partial(convert, dtype=bf8),
        **{
            f"GLOBAL_{name}_{size}": partial(act, words=words)
            for name, act in (("LOAD", load_words), ("STORE", store_words))
            for words in (1, 2, 3, 4)
            for size in ("DWORD" if words == 1 else f"DWORDX{words}", f"B{32 * words}")
        },
    }
