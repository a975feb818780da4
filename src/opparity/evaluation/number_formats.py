"""THE table of the formats that are evaluated: one line each."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from opparity.nn import BlockFP8Linear, Int8Linear, MXFP8Linear, QuantizedLinear
from opparity.nn.products import product_for


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """In which numbers a model computes its norms, attention's projections and MLPs.

    Attributes:
        name: in tables.
        linear: the class of the linear layers; None where nothing is quantised.
        dtype: of what lies between them.
        product: by which the layers multiply; None for the first that can serve.
    """

    name: str
    linear: type[QuantizedLinear] | None = None
    dtype: torch.dtype = torch.bfloat16
    product: str | None = None

    @property
    def same_everywhere(self) -> bool:
        """Whether every machine gives the same bytes."""
        if self.linear is None:
            return False
        cpu = torch.device("cpu")
        return product_for(self.linear.recipe, cpu, 1, 1, self.product).same_everywhere


FLOAT32 = NumberFormat("float32", dtype=torch.float32)
FORMATS = (
    FLOAT32,
    NumberFormat("bfloat16"),
    NumberFormat("block FP8", BlockFP8Linear),
    NumberFormat("exact block FP8", BlockFP8Linear, product="exact"),
    NumberFormat("MXFP8", MXFP8Linear),
    NumberFormat("exact MXFP8", MXFP8Linear, product="exact"),
    NumberFormat("int8 by token", Int8Linear),
)
