"""int32 sums in cases: usual ones, and scales that no product of int8 matrices has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from opparity.operators.declaration import Role
from opparity.operators.fillings import Filling

if TYPE_CHECKING:
    from torch import Tensor

    from opparity.operators.case import Case
    from opparity.operators.declaration import Producer

# float32 does not hold those next to 2**24.
_EXTREMES = (-(2**31), 2**31 - 1, 2**24 + 1, -(2**24) - 1, 0, 1, -1, 2**25 + 3)
_UNIT = 2.0**-16
# In turn; hostile ones are as no quantiser gives them.
_OF_TOKENS = (_UNIT, 0.9 * _UNIT, 1.1 * _UNIT, 3.7e-6)
_OF_COLUMNS = (1.0, 0.77, 1.31, 0.0993, 1.0009765625)
_HOSTILE = (
    *(float("nan"), float("inf"), -float("inf"), 0.0, -0.0, -0.3, 1e-42, 3e38, 7e-20),
    *(2.0**-133, 1.17e-38),
)
# Not so many that a row has one in each group; in a row that shares a scale one spoils all.
_ROWS_TO_A_HOSTILE_ONE, _COLUMNS_TO_A_HOSTILE_ONE = 3, 401


def sum_arguments(case: Case, producer: Producer, device: torch.device) -> dict[Role, Any]:
    """Return a case's sums and their scales."""
    numbers = replace(case, input_dtype="float32").make_input(producer)
    usual = case.filling is Filling.ACTIVATIONS
    sums = (numbers / _UNIT).round().int() if usual else numbers.view(torch.int32)
    if not usual:
        extremes = torch.tensor(_EXTREMES, dtype=torch.int64).int()[: sums.shape[1]]
        sums[::_ROWS_TO_A_HOSTILE_ONE, : len(extremes)] = extremes
    tokens = _scales(sums.shape[0], _OF_TOKENS, 0 if usual else _ROWS_TO_A_HOSTILE_ONE)
    spoils = usual or case.recipe.by_token
    columns = _scales(sums.shape[1], _OF_COLUMNS, 0 if spoils else _COLUMNS_TO_A_HOSTILE_ONE)
    return {
        Role.INPUT: sums.to(device),
        Role.TOKEN_SCALES: tokens.to(device),
        Role.WEIGHT_SCALES: columns.to(device),
    }


def _scales(count: int, usual: tuple[float, ...], step: int) -> Tensor:
    """Return float32 [count, 1], every `step`-th of them hostile; none where it is 0."""
    scales = torch.tensor(usual).repeat(-(-count // len(usual)))[:count]
    if step:
        places = torch.arange(1, count, step)
        scales[places] = torch.tensor(_HOSTILE).repeat(len(places))[: len(places)]
    return scales.unsqueeze(1)
