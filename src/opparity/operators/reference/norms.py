"""What producers that reduce compute, by their names in the table: numerics.md, section 10."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.formats import Intermediate
from opparity.operators.reference.activations import silu, silu_slope
from opparity.operators.reference.numerics import rounded
from opparity.operators.reference.rows import inverse_root_mean_square

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from opparity.operators.reference.producers import Part


@dataclass(frozen=True, slots=True)
class RowFormula:
    """The factors of a row's elements, as functions of a tensor and the parameters.

    Attributes:
        row: of the elements themselves, one number for each row.
        column: of the weight.
        gate: of the gate; None where the producer takes none.
        gate_slope: its derivative.
    """

    row: Part
    column: Part
    gate: Part | None = None
    gate_slope: Part | None = None


ROW_FORMULAS: dict[str, RowFormula] = {
    "rms_norm": RowFormula(
        row=lambda x, p: inverse_root_mean_square(x, p[0]),
        column=lambda weight, p: weight + p[1],
    ),
    "gated_rms_norm": RowFormula(
        row=lambda x, p: inverse_root_mean_square(x, p[0]),
        column=lambda weight, p: weight + p[1],
        gate=lambda gate, _: silu(gate),
        gate_slope=lambda gate, _: silu_slope(gate),
    ),
}


@dataclass(frozen=True, slots=True)
class Beside:
    """The tensors beside the input of a producer that reduces, all of the input's dtype.

    Attributes:
        weight: [hidden_size]; None counts as a column factor of 1.
        gate: [num_tokens, hidden_size].
        residual: [num_tokens, hidden_size], added to the input.
        keeps_sum: whether the norm reads that sum before it is rounded.
    """

    weight: Tensor | None = None
    gate: Tensor | None = None
    residual: Tensor | None = None
    keeps_sum: bool = False


def add(input: Tensor, residual: Tensor) -> Tensor:
    """Return the sum as an updated residual has it: rounded once to the input's dtype."""
    return rounded(input.float() + residual.float(), input.dtype)


def produce_rows(
    input: Tensor,
    formula: RowFormula,
    numbers: Sequence[Tensor],
    beside: Beside,
    intermediate: Intermediate,
) -> Tensor:
    """Return the products of rows [num_tokens, hidden_size] as float32."""

    def through(x: Tensor, *, rounds: bool) -> Tensor:
        return rounded(x, input.dtype).float() if rounds else x

    rounds_factors = intermediate is Intermediate.INPUT_DTYPE
    x = input.float()
    if beside.residual is not None:
        total = x + beside.residual.float()
        x = total if beside.keeps_sum else add(input, beside.residual).float()
    product = through(x * formula.row(x, numbers), rounds=rounds_factors)
    column = x.new_ones(x.shape[1])
    if beside.weight is not None:
        column = formula.column(beside.weight.float(), numbers)
    product = product * column
    if formula.gate is not None:
        assert beside.gate is not None
        gate = formula.gate(beside.gate.float(), numbers)
        product = through(product, rounds=rounds_factors) * through(gate, rounds=rounds_factors)
    return through(product, rounds=intermediate is not Intermediate.FLOAT32)
