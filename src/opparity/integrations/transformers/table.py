"""THE table: what is read of transformers' own classes, which promise none of it. Free of torch."""

from __future__ import annotations

import sys
from dataclasses import dataclass

TRIED: tuple[str, ...] = (
    *("5.20.2", "5.21.0", "5.21.1", "5.22.0", "5.22.1", "5.22.2", "5.23.0", "5.24.0"),
)
"""The versions whose classes were compared with ROWS; `make integrations` compares both ends."""

MODULE = "transformers.integrations.finegrained_fp8"
REGISTRY = "ALL_FP8_EXPERTS_FUNCTIONS"


@dataclass(frozen=True, slots=True)
class Row:
    """A class of transformers' module for FineGrainedFP8.

    Attributes:
        name: of the class.
        read: attributes that are read of its instances.
        later: those of them that the first of TRIED does not have; it computes as with None.
    """

    name: str
    read: tuple[str, ...]
    later: tuple[str, ...] = ()


ROWS: tuple[Row, ...] = (
    Row(
        "FP8Experts",
        (
            *("num_experts", "has_gate", "activation_scheme", "act_fn"),
            *("gate_up_proj", "gate_up_proj_scale_inv", "down_proj", "down_proj_scale_inv"),
            *("swiglu_alpha", "swiglu_limit", "limit", "gate_softcap", "up_softcap"),
        ),
        later=("gate_softcap", "up_softcap"),
    ),
    Row("FP8Linear", ("weight", "bias", "weight_scale_inv", "activation_scheme")),
)

ACTIVATIONS: dict[str, str] = {
    "SiLUActivation": "silu_and_mul",
    "SiLU": "silu_and_mul",
    "GELUActivation": "gelu_and_mul",
    "GELUTanh": "gelu_tanh_and_mul",
}
"""Producers by the names of the classes of transformers' activations; SiLU is torch's."""


def objection() -> str | None:
    """Return why the classes of the transformers that is imported are not read, or None."""
    version = getattr(sys.modules.get("transformers"), "__version__", "of an unknown version")
    if version in TRIED:
        return None
    return (
        f"this is transformers {version}, and Opparity reads the FP8 layers of {TRIED[0]} to "
        f"{TRIED[-1]}, as they were tried"
    )
