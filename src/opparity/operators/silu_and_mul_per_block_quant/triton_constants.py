"""The Triton kernel's compile-time arguments, for its JIT launch and for code objects."""

from __future__ import annotations

from opparity.formats import VALUE_FORMATS, Intermediate

# The first NVIDIA architecture with cvt.rn.satfinite.e4m3x2.
_FIRST_WITH_E4M3 = 89
# AMD architectures with v_cvt_pk_fp8_f32, and the format that it makes there.
_PACKED_FORMAT = {
    "gfx942": "float8_e4m3fnuz",
    "gfx950": "float8_e4m3fn",
    "gfx1200": "float8_e4m3fn",
    "gfx1201": "float8_e4m3fn",
}


def encoder(value_format: str, architecture: str) -> str:
    """Return the kernel's way to make codes.

    Args:
        value_format: a name of VALUE_FORMATS.
        architecture: as sm_90 or gfx942; "interpreter", whose FP8 conversion is wrong.
    """
    if _PACKED_FORMAT.get(architecture) == value_format:
        return "packed"
    if value_format == "float8_e4m3fn":
        if architecture.startswith("sm_") and int(architecture[3:]) >= _FIRST_WITH_E4M3:
            return "hardware_e4m3fn"
        return "e4m3fn"
    return "e4m3fnuz" if value_format == "float8_e4m3fnuz" else "int8"


def target(architecture: str) -> str:
    """Return the kernel's TARGET."""
    if architecture == "interpreter":
        return architecture
    return "cuda" if architecture.startswith("sm_") else "hip"


def compile_time_arguments(
    *,
    value_format: str,
    input_dtype: str,
    group_size: int,
    groups_per_program: int,
    intermediate: str,
    architecture: str,
) -> dict[str, object]:
    """Return the kernel's constexpr arguments."""
    rounds = intermediate == Intermediate.INPUT_DTYPE and input_dtype != "float32"
    row = VALUE_FORMATS[value_format]
    return {
        "GROUP_SIZE": group_size,
        "GROUPS": groups_per_program,
        "MAXIMUM": row.maximum,
        "MINIMUM_SCALE": row.minimum_scale,
        "ENCODER": encoder(value_format, architecture),
        "ROUNDS_TO": input_dtype if rounds else "float32",
        "TARGET": target(architecture),
    }
