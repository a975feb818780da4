"""Operators that give a tensor, which has been computed otherwise, its gradient or a refusal.

They are operators and no autograd.Functions, since torch.compile drops a Function's gradient within
torch.func's transforms.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from opparity.errors import ArgumentRefused
from opparity.operators.gradients import autograd_kernel, backward_of
from opparity.operators.norm_gradients import gradients_of_any_shape

_GATE = 2

if TYPE_CHECKING:
    from collections.abc import Callable


def implement(definitions: torch.library.Library) -> None:
    """Implement these operators in the library that defines them."""
    # By their names, so that a reader of the source, as our checker is, sees that each has a fake.
    torch.library.register_fake("opparity::refuse_gradient", _like_the_input, lib=definitions)
    torch.library.register_fake("opparity::straight_through", _copy, lib=definitions)
    torch.library.register_fake("opparity::without_gradient", _copy, lib=definitions)
    torch.library.register_fake("opparity::straight_through_norm", _copy_of_norm, lib=definitions)
    _implement(definitions, "refuse_gradient", _refuse_gradient)
    for name, backward in (("straight_through", _through), ("without_gradient", _refused)):
        overload = _implement(definitions, name, _copy)
        kernel = autograd_kernel(overload, _keep, backward)
        definitions.impl(name, kernel, "Autograd", with_keyset=True)
    name = "straight_through_norm"
    overload = _implement(definitions, name, _copy_of_norm)
    kernel = autograd_kernel(overload, _keep_norm, _through_norm)
    definitions.impl(name, kernel, "Autograd", with_keyset=True)


def _implement(
    definitions: torch.library.Library, name: str, kernel: Callable[..., Tensor]
) -> torch._ops.OpOverload:
    definitions.impl(name, kernel, "CompositeExplicitAutograd")
    overload: torch._ops.OpOverload = getattr(torch.ops.opparity, name).default
    torch.library.register_vmap(overload, _batched(overload), lib=definitions)
    return overload


def _copy(input: Tensor, found: Tensor, *origin: object) -> Tensor:
    """Return another tensor, since an operator may not return an argument."""
    del input, origin
    return found.clone()


def _copy_of_norm(
    x: Tensor, found: Tensor, gate: Tensor | None, weight: Tensor | None, *origin: object
) -> Tensor:
    """Return another tensor, since an operator may not return an argument."""
    del x, gate, weight, origin
    return found.clone()


def _keep_norm(ctx: Any, positional: tuple[Any, ...], named: dict[str, object]) -> None:  # noqa: ANN401
    x, _, gate, weight, *ctx.origin = positional
    assert not named
    ctx.save_for_backward(x, gate, weight)
    ctx.set_materialize_grads(False)


def _through_norm(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, ...]:  # noqa: ANN401
    """Return the gradients of a norm whose product was quantised."""
    if gradient is None:
        return (None,) * 6
    x, gate, weight = ctx.saved_tensors
    operator, numbers = ctx.origin
    of_x, of_gate, of_weight = gradients_of_any_shape(
        operator, gradient, x, gate, weight, tuple(numbers)
    )
    return of_x, None, of_gate, of_weight, None, None


def _keep(ctx: Any, positional: tuple[Any, ...], named: dict[str, object]) -> None:  # noqa: ANN401
    input, _, *ctx.origin = positional
    assert not named
    ctx.save_for_backward(input)
    ctx.set_materialize_grads(False)


def _through(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, ...]:  # noqa: ANN401
    """Return the gradient of what was quantised."""
    if gradient is None:
        return (None,) * 5
    (input,) = ctx.saved_tensors
    operator, numbers, interleaved = ctx.origin
    found = backward_of(
        operator,
        gradient.reshape(math.prod(gradient.shape[:-1]), gradient.shape[-1]),
        input.reshape(math.prod(input.shape[:-1]), input.shape[-1]),
        tuple(numbers),
        interleaved=interleaved,
    )
    return found.reshape(input.shape), None, None, None, None


def _refused(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, ...]:  # noqa: ANN401
    if gradient is None:
        return None, None, None
    (input,) = ctx.saved_tensors
    return torch.ops.opparity.refuse_gradient(gradient, input, *ctx.origin), None, None


def _batched(overload: torch._ops.OpOverload) -> Callable[..., tuple[Tensor, int]]:
    """Return vmap's rule: a batch is one more leading dimension."""

    def run(
        info: Any,  # noqa: ANN401 -- torch's own
        dims: tuple[int | None, ...],
        *arguments: Any,  # noqa: ANN401 -- torch's too
    ) -> tuple[Tensor, int]:
        # Input, what was found, and a norm's gate; its weight is one for all.
        first = [
            argument
            if not isinstance(argument, Tensor) or (place > _GATE and dim is None)
            else argument.expand(info.batch_size, *argument.shape)
            if dim is None
            else argument.movedim(dim, 0)
            for place, (argument, dim) in enumerate(zip(arguments, dims, strict=True))
        ]
        return overload(*first), 0

    return run


def _like_the_input(gradient: Tensor, input: Tensor, operator: str) -> Tensor:
    """Return what a trace needs to go on."""
    del gradient, operator
    return torch.empty_like(input)


def _refuse_gradient(gradient: Tensor, input: Tensor, operator: str) -> Tensor:
    """Raise ArgumentRefused; an operator of its own, so that a trace of a gradient may hold it."""
    del gradient, input
    detail = (
        "the gradient of values or scales is asked for; allowed: that of Quantized.dequantize(), "
        "as if nothing had been quantised; dequantize, or detach them"
    )
    if operator.endswith("_backward"):
        detail = (
            "the gradient of a gradient is asked for; allowed: the first; leave create_graph out"
        )
    raise ArgumentRefused(operator=operator, detail=detail)
