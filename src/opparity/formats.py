"""Quantisation formats: what a value, a scale and their layout may be. No torch in here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Intermediate(StrEnum):
    """The precision of SiLU(gate) and of its product with up.

    FLOAT32 keeps both in float32.
    INPUT_DTYPE rounds each to the input's dtype, as an unfused model does.
    """

    FLOAT32 = "float32"
    INPUT_DTYPE = "input_dtype"


class ScaleLayout(StrEnum):
    """Where the scale of (token, group) lies.

    ROW_MAJOR keeps a token's scales together; COLUMN_MAJOR keeps a group's scales together.
    Both are handed out as [num_tokens, num_groups].
    """

    ROW_MAJOR = "row_major"
    COLUMN_MAJOR = "column_major"


@dataclass(frozen=True, slots=True)
class ValueFormat:
    """A format for quantised values.

    Attributes:
        name: torch's name of the dtype.
        maximum: the magnitude that a group's amax is mapped to.
        lowest: the least code value; codes saturate to [lowest, maximum].
        minimum_scale: the lower clamp of scales.
        nan_code: the byte that stands for NaN; int8 has none and stores 0 under a NaN scale.
    """

    name: str
    maximum: float
    lowest: float
    minimum_scale: float
    nan_code: int


# minimum_scale is the float32 nearest to 1 / (maximum * 512), as vLLM has it; for int8 it is
# float32's epsilon. 224 instead of FNUZ's own 240 is vLLM's choice for gfx942, kept for agreement.
VALUE_FORMATS: dict[str, ValueFormat] = {
    row.name: row
    for row in (
        ValueFormat("float8_e4m3fn", 448.0, -448.0, float.fromhex("0x1.24924ap-18"), 0x7F),
        ValueFormat("float8_e4m3fnuz", 224.0, -224.0, float.fromhex("0x1.24924ap-17"), 0x80),
        ValueFormat("int8", 127.0, -128.0, float.fromhex("0x1p-23"), 0x00),
    )
}

INPUT_DTYPES = ("float16", "bfloat16", "float32")
GROUP_SIZES = (16, 32, 64, 128, 256)
