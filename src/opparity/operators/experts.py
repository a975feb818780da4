"""opparity.Experts: which rows of an input are experts', for functions of activations."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from opparity.formats import ExpertLayout
from opparity.operators.refusal import kind_of, refuse


@dataclass(frozen=True, slots=True)
class Experts:
    """Which rows are experts'; its numbers stay on the device, so a graph replays with others.

    What a function returns of other rows is anything; their values are never written.
    Numbers that no router gives, below zero or beyond the rows there are, count as the nearest that
    fits.

    Attributes:
        layout: what `rows` says.
        rows: int32 numbers on the input's device, of at most 1,024 experts.
        scale_offsets: at which row of scales an expert's begin, int32; None where scales lie as the
            rows do.
        multiple: what an expert's first row is a multiple of (PSUM), or the rows of a token
            (TOKENS).
        weights: a router's, float32, one for each row; None where products keep their size.
    """

    layout: ExpertLayout
    rows: Tensor
    scale_offsets: Tensor | None = None
    multiple: int = 1
    weights: Tensor | None = None

    def __post_init__(self) -> None:
        """Refuse what no operator can be asked.

        Raises:
            ArgumentRefused: for numbers in no tensor, and a multiple that is no integer.
        """
        given = [("rows", self.rows)]
        if self.scale_offsets is not None:
            given.append(("scale_offsets", self.scale_offsets))
        for name, numbers in given:
            if not isinstance(numbers, Tensor):
                refuse(
                    "Experts",
                    f"{name} is {kind_of(numbers)}; allowed: a tensor of int32 numbers on the "
                    "input's device; pass one",
                )
        if self.weights is not None and not isinstance(self.weights, Tensor):
            refuse(
                "Experts",
                f"weights is {kind_of(self.weights)}; allowed: a tensor of float32 numbers on the "
                "input's device, or None; pass one",
            )
        if not isinstance(self.multiple, (int, torch.SymInt)):
            refuse(
                "Experts",
                f"multiple is {kind_of(self.multiple)}; allowed: an integer; pass one",
            )

    @classmethod
    def masked(cls, counts: Tensor) -> Experts:
        """Return experts of an input [num_experts, num_tokens, width], by how many rows each has.

        Args:
            counts: int32 [num_experts].
        """
        return cls(ExpertLayout.MASKED, counts)

    @classmethod
    def by_offsets(cls, offsets: Tensor, scale_offsets: Tensor | None = None) -> Experts:
        """Return experts whose rows are one after another in [num_tokens, width].

        Args:
            offsets: int32 [num_experts + 1], each expert's first row and the end of the last.
            scale_offsets: int32 [num_experts] or one more, for scales in tiles of 128 x 4: the row
                of scales, a multiple of 128, with which an expert's tiles begin.
        """
        return cls(ExpertLayout.OFFSETS, offsets, scale_offsets)

    @classmethod
    def by_ends(cls, ends: Tensor, multiple: int = 128) -> Experts:
        """Return experts whose first rows are the next multiple from the end of the one before.

        The scales between an expert's end and the next multiple are zero.

        Args:
            ends: int32 [num_experts], the row behind each expert's last: DeepGEMM's psum layout.
            multiple: of rows.
        """
        return cls(ExpertLayout.PSUM, ends, None, multiple)

    @classmethod
    def first_rows(cls, num_tokens: Tensor, top_k: int = 1) -> Experts:
        """Return one list of rows of which the first num_tokens * top_k are valid.

        Args:
            num_tokens: one int32 number.
            top_k: rows of a token.
        """
        return cls(ExpertLayout.TOKENS, num_tokens, None, top_k)

    def weighted(self, row_weights: Tensor) -> Experts:
        """Return the same experts with a router's weights.

        A row's products are multiplied by its weight before their scale is computed.

        Args:
            row_weights: float32, one for each row of the input: [num_experts, num_tokens] where the
                experts are masked, otherwise [num_tokens].
        """
        return replace(self, weights=row_weights)
