"""What autograd does with norms: the backward pass of docs/numerics.md, section 12."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from opparity.operators import general_name
from opparity.operators.declaration import Role
from opparity.operators.recipes import recipe_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.operators.request import Reader, Request

Gradients = tuple[Tensor, Tensor | None, Tensor | None]


def gradients_of(
    name: str,
    gradient: Tensor,
    x: Tensor,
    gate: Tensor | None,
    weight: Tensor | None,
    numbers: tuple[float, ...],
    sum_gradient: Tensor | None = None,
) -> Gradients:
    """Return the gradients of what a norm read, of its gate and of its weight.

    Args:
        name: of the general operator.
        gradient: of the product, [num_tokens, hidden_size].
        x: the input, or its sum with the residual.
        gate: where the norm takes one.
        weight: or None.
        numbers: the producer's.
        sum_gradient: what is added to the input's gradient.
    """
    if gradient.dtype not in (x.dtype, torch.float32):
        gradient = gradient.float()
    gradient = in_rows(gradient)
    overload = getattr(torch.ops.opparity, f"{name}_backward").default
    if gate is not None:
        of_input, of_gate, of_weight = overload(gradient, x, gate, weight, *numbers)
    else:
        more = None if sum_gradient is None else in_rows(sum_gradient)
        of_input, of_weight = overload(gradient, x, weight, *numbers, more)
        of_gate = None
    return of_input, of_gate, None if weight is None else of_weight


def gradients_of_any_shape(
    name: str,
    gradient: Tensor,
    x: Tensor,
    gate: Tensor | None,
    weight: Tensor | None,
    numbers: tuple[float, ...],
) -> Gradients:
    """Return the same of tensors [..., hidden_size]."""

    def tokens(tensor: Tensor) -> Tensor:
        return tensor.reshape(math.prod(tensor.shape[:-1]), tensor.shape[-1])

    rows = None if gate is None else tokens(gate)
    found = gradients_of(name, tokens(gradient), tokens(x), rows, weight, numbers)
    of_gate = None if found[1] is None else found[1].reshape(x.shape)
    return found[0].reshape(x.shape), of_gate, found[2]


def formula(
    reader: Reader,
) -> tuple[Callable[..., None], Callable[..., tuple[Tensor | None, ...]]]:
    """Return what keeps a backward pass's arguments, and what it computes, for a norm."""
    name, operator = general_name(reader.producer), reader.operator.name
    roles = (Role.INPUT, Role.GATE, Role.WEIGHT, Role.RESIDUAL)
    places = {role: reader.place(role) for role in roles if reader.has(role)}

    def keep(
        ctx: Any,  # noqa: ANN401 -- torch's context takes attributes
        positional: tuple[object, ...],
        named: dict[str, object],
    ) -> None:
        request = reader.read(positional, named)
        refuse_gradients_of_scales(request)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*(request.tensor(role) for role in roles))
        ctx.count, ctx.numbers = len(positional), request.parameters
        ctx.is_product = recipe_of(request).format is None

    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        input, gate, weight, residual = ctx.saved_tensors
        of_values, of_scales, of_sum = (*gradients, None)[:3]
        of_input, of_gate, of_weight = of_sum, None, None
        if not ctx.is_product and (of_values is not None or of_scales is not None):
            of_input = torch.ops.opparity.refuse_gradient(
                of_values if of_values is not None else of_scales, input, operator
            )
        elif of_values is not None:
            x = input
            if residual is not None:
                x = (input.float() + residual.float()).to(input.dtype)
            of_input, of_gate, of_weight = gradients_of(
                name, of_values, x, gate, weight, ctx.numbers, of_sum
            )
        found: list[Tensor | None] = [None] * ctx.count
        for role, gradient in zip(roles, (of_input, of_gate, of_weight, of_input), strict=True):
            if role in places and places[role] < ctx.count:
                found[places[role]] = gradient
        return tuple(found)

    return keep, backward


def refuse_gradients_of_scales(request: Request) -> None:
    """Raise ArgumentRefused where a scale or a bound requires grad."""
    for role in (Role.SCALE, Role.SCALE_UB):
        tensor = request.tensor(role)
        if tensor is not None and tensor.requires_grad:
            request.refuse(
                f"{request.names[role]} requires grad; allowed: a number without a gradient; "
                "detach it"
            )


def in_rows(tensor: Tensor) -> Tensor:
    """Return a tensor whose last dimension has the stride 1."""
    # contiguous() leaves one without elements as it is.
    if tensor.stride(-1) == 1:
        return tensor
    return tensor.clone(memory_format=torch.contiguous_format)
