"""THE operator table: one line for each operator. Free of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.operators import silu_and_mul_per_block_quant

if TYPE_CHECKING:
    from opparity.operators.declaration import Operator

OPERATORS: tuple[Operator, ...] = (silu_and_mul_per_block_quant.OPERATOR,)

PROVIDERS: tuple[str, ...] = tuple(
    dict.fromkeys(i.provider for operator in OPERATORS for i in operator.implementations)
)
