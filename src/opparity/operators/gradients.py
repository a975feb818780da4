"""What autograd does with the operators.

A product that is not quantised has its gradient. Values and scales have none of their own: a
backward pass that comes to them is refused, in words, when it runs. `Quantized.dequantize` has the
straight-through one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from opparity.errors import ArgumentRefused
from opparity.operators import OPERATORS, general_name, producer_named
from opparity.operators.declaration import Role
from opparity.operators.recipes import recipe_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.operators.declaration import Operator
    from opparity.operators.request import Reader

REFUSAL = "refuse_gradient"
# Operators whose producer reduces: what they return has no gradient yet.
NORMS = frozenset(
    row.name for row in OPERATORS if not row.peer and producer_named(row.producer).reduces
)
REFUSAL_SCHEMA = "(Tensor gradient, Tensor input, str operator) -> Tensor"


def refuse_gradient(gradient: Tensor, input: Tensor, operator: str) -> Tensor:
    """Raise ArgumentRefused; an operator of its own, so that a trace of a gradient may hold it."""
    del gradient, input
    detail = (
        "the gradient of values or scales is asked for; allowed: that of Quantized.dequantize(), "
        "as if nothing had been quantised; dequantize, or detach them"
    )
    if operator in NORMS:
        detail = (
            "the gradient of a norm is asked for; allowed: inputs without one, since it has no "
            "backward pass yet; detach them, or call torch.nn.functional.rms_norm"
        )
    if operator.endswith("_backward"):
        detail = (
            "the gradient of a gradient is asked for; allowed: the first; leave create_graph out"
        )
    raise ArgumentRefused(operator=operator, detail=detail)


def refuse_gradient_fake(gradient: Tensor, input: Tensor, operator: str) -> Tensor:
    """Return what a trace needs to go on."""
    del gradient, operator
    return torch.empty_like(input)


def backward_of(
    operator: str, gradient: Tensor, input: Tensor, numbers: tuple[float, ...], *, interleaved: bool
) -> Tensor:
    """Return the input's gradient from that of a general operator's product [num_tokens, width]."""
    if operator == "quantize":
        return gradient.to(input.dtype)
    if operator in NORMS:
        refused: Tensor = torch.ops.opparity.refuse_gradient(gradient, input, operator)
        return refused
    if gradient.dtype not in (input.dtype, torch.float32):
        gradient = gradient.float()
    if gradient.stride(-1) != 1:
        gradient = gradient.contiguous()
    overload = getattr(torch.ops.opparity, f"{operator}_backward").default
    named = {"interleaved": True} if interleaved else {}
    found: Tensor = overload(gradient, input, *numbers, **named)
    return found


def formula(reader: Reader) -> tuple[Callable[..., Any], Callable[..., None]]:
    """Return what torch.library.register_autograd takes: the backward, and its setup_context."""
    name, place = reader.operator.name, reader.place(Role.INPUT)

    def setup_context(
        ctx: Any,  # noqa: ANN401 -- torch's context takes attributes
        inputs: tuple[object, ...],
        output: object,
        keyword_only_inputs: dict[str, object] | None = None,
    ) -> None:
        del output
        request = reader.read(inputs, keyword_only_inputs or {})
        for role in (Role.SCALE, Role.SCALE_UB):
            tensor = request.tensor(role)
            if tensor is not None and tensor.requires_grad:
                request.refuse(
                    f"{request.names[role]} requires grad; allowed: a number without a gradient; "
                    "detach it"
                )
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(request.input)
        ctx.count, ctx.numbers = len(inputs), request.parameters
        ctx.interleaved = request.interleaved
        ctx.is_product = not request.is_backward and recipe_of(request).format is None

    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        found: list[Tensor | None] = [None] * ctx.count
        given = next((gradient for gradient in gradients if gradient is not None), None)
        if given is not None:
            (input,) = ctx.saved_tensors
            found[place] = (
                backward_of(name, given, input, ctx.numbers, interleaved=ctx.interleaved)
                if ctx.is_product
                else torch.ops.opparity.refuse_gradient(given, input, name)
            )
        return tuple(found)

    return backward, setup_context


def watch(operator: Operator, reader: Reader) -> Callable[..., None]:
    """Return the Autograd kernel of an operator that writes to its arguments.

    It refuses what it would lose, a gradient, and tells autograd of what is written, so that a
    tensor which autograd has saved is not changed unseen.
    """
    redispatch = overload_of(operator)._handle.redispatch_boxed  # noqa: SLF001 -- a call less
    outputs = [r for r in (Role.VALUES, Role.SCALES, Role.RESIDUAL) if reader.has(r)]
    places = [reader.place(role) for role in outputs]

    def run(keyset: torch._C.DispatchKeySet, *positional: object, **named: object) -> None:
        if _is_grad_enabled() and _any_requires_grad(*positional, **named):
            other = f"or call opparity.{general_name(reader.producer)}, which has one"
            if reader.producer.reduces:
                other = "no norm has one yet"
            reader.read(positional, named).refuse(
                "a tensor requires grad and an operator that writes to its arguments has no "
                f"gradient; allowed: torch.no_grad(); {other}"
            )
        if named:
            written = [reader.argument(role, positional, named) for role in outputs]
        else:
            written = [positional[place] for place in places]
        # A residual may be None.
        _increment_version([tensor for tensor in written if tensor is not None])
        with _below_autograd():
            redispatch(keyset & _BELOW_AUTOGRAD, *positional, **named)

    return run


# torch.library's own, looked up once: this is in front of each call outside of inference mode.
_is_grad_enabled = torch.is_grad_enabled
_any_requires_grad = torch._C._any_requires_grad  # noqa: SLF001
_increment_version = torch._C._increment_version  # noqa: SLF001
_below_autograd = torch._C._AutoDispatchBelowADInplaceOrView  # noqa: SLF001
_BELOW_AUTOGRAD = torch._C._after_ADInplaceOrView_keyset  # noqa: SLF001


def overload_of(operator: Operator) -> torch._ops.OpOverload:
    """Return torch's object for an operator."""
    packet = getattr(torch.ops.opparity, operator.name)
    overload: torch._ops.OpOverload = getattr(packet, operator.overload or "default")
    return overload
