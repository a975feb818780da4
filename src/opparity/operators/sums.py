"""opparity.Sums: what the int32 sums of an int8 product stand for, for functions of activations."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from opparity.operators.refusal import kind_of, refuse


@dataclass(frozen=True, slots=True)
class Sums:
    """What the int32 sums of a product of int8 matrices stand for.

    A sum is made float32, multiplied by its token's scale, then by its column's, and rounded to
    `dtype`: docs/numerics.md, section 14.

    Attributes:
        token_scales: float32 [..., 1], with the leading dimensions of the sums.
        weight_scales: float32 [width, 1], of the rows of the weight, which are columns of the sums.
        dtype: float16, bfloat16 or float32.
    """

    token_scales: Tensor
    weight_scales: Tensor
    dtype: torch.dtype = torch.bfloat16

    def __post_init__(self) -> None:
        """Refuse what no operator can be asked.

        Raises:
            ArgumentRefused: for scales in no tensor, and what is no dtype.
        """
        for name, scales in (
            ("token_scales", self.token_scales),
            ("weight_scales", self.weight_scales),
        ):
            if not isinstance(scales, Tensor):
                refuse(
                    "Sums",
                    f"{name} is {kind_of(scales)}; allowed: a tensor of float32 numbers on the "
                    "sums' device; pass one",
                )
        if not isinstance(self.dtype, torch.dtype):
            refuse(
                "Sums",
                f"dtype is {kind_of(self.dtype)}; allowed: torch.float16, torch.bfloat16 or "
                "torch.float32; pass one",
            )
