"""Calling an operator with a case's arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from opparity.operators.allocation import allocate
from opparity.operators.declaration import Direction, Role
from opparity.operators.expert_cases import experts_of
from opparity.operators.gradients import overload_of

if TYPE_CHECKING:
    from opparity.operators.case import Case
    from opparity.operators.declaration import Operator

# What outputs hold before: a kernel that writes nothing is not taken for one that is right.
_POISON = 0x55


def call(case: Case, operator: Operator, device: torch.device) -> tuple[Tensor, ...]:
    """Return the values and scales of a case's call; scales without elements where there are none.

    With a residual its sum with the input comes third; values and scales by columns come third and
    fourth. Of a backward operator the gradient is the values, that of a norm's weight the scales,
    and that of its gate comes third.
    """
    arguments = case.arguments(operator, device) | outputs(case, operator, device)
    with torch.no_grad():
        returned = overload_of(operator)(**arguments)
    if operator.mutates:
        names = {argument.role: argument.name for argument in operator.arguments}
        if operator.in_place:
            names[Role.VALUES] = names[Role.INPUT]
        roles = (Role.VALUES, Role.SCALES, Role.RESIDUAL)
        returned = tuple(arguments.get(names.get(role, "")) for role in roles)
    if isinstance(returned, Tensor):
        returned = (returned,)
    elif operator.direction is Direction.BACKWARD:
        of_input, *of_gate, of_weight = returned
        returned = (of_input, of_weight, *of_gate)
    if operator.has_columns:
        return tuple(returned)
    values, scales, total = [*returned, None, None][:3]
    found = (values, torch.empty(0, device=device) if scales is None else scales)
    return found if total is None else (*found, total)


def outputs(case: Case, operator: Operator, device: torch.device) -> dict[str, Tensor]:
    """Return the tensors that an operator is to write to, by its names for them."""
    names = {argument.role: argument.name for argument in operator.arguments}
    if Role.VALUES not in names:
        return {}
    like = torch.empty(0, dtype=getattr(torch, case.input_dtype), device=device)
    experts = experts_of(case, device, all_valid=False) if case.experts is not None else None
    allocated = allocate(case.recipe, case.num_tokens, case.hidden_size, like, experts)
    made = dict(zip((Role.VALUES, Role.SCALES), allocated, strict=True))
    for tensor in made.values():
        tensor.view(torch.uint8 if tensor.element_size() == 1 else tensor.dtype).fill_(_POISON)
    return {names[role]: tensor for role, tensor in made.items() if role in names}
