"""What autograd does with the operators.

A product that is not quantised has its gradient. Values and scales have none of their own: a
backward pass that comes to them is refused, in words, when it runs. `Quantized.dequantize` has the
straight-through one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import Tensor
from torch._functorch.utils import enable_single_level_autograd_function
from torch.autograd import forward_ad
from torch.autograd.function import _SingleLevelFunction

from opparity.errors import ArgumentRefused
from opparity.operators import general_name, norm_gradients
from opparity.operators.declaration import Direction, Role
from opparity.operators.recipes import recipe_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.operators.declaration import Operator
    from opparity.operators.request import Reader


def backward_of(
    operator: str, gradient: Tensor, input: Tensor, numbers: tuple[float, ...], *, interleaved: bool
) -> Tensor:
    """Return the input's gradient from that of a general operator's product [num_tokens, width]."""
    if operator == "quantize":
        return gradient.to(input.dtype)
    if gradient.dtype not in (input.dtype, torch.float32):
        gradient = gradient.float()
    gradient = norm_gradients.in_rows(gradient)
    overload = getattr(torch.ops.opparity, f"{operator}_backward").default
    named = {"interleaved": True} if interleaved else {}
    found: Tensor = overload(gradient, input, *numbers, **named)
    return found


def differentiable(operator: Operator, reader: Reader) -> Callable[..., Any]:
    """Return the Autograd kernel of an operator that returns tensors."""
    is_norm = reader.producer.reduces and operator.direction is Direction.FORWARD
    formula = norm_gradients.formula if is_norm else _formula
    return autograd_kernel(overload_of(operator), *formula(reader))


def autograd_kernel(
    overload: torch._ops.OpOverload,
    keep: Callable[..., None],
    backward: Callable[..., tuple[Tensor | None, ...]],
) -> Callable[..., Any]:
    """Return an Autograd kernel, for torch.func's transforms too; forward mode is refused.

    With torch.library's own, transforms fail and forward mode loses the gradient in silence.

    Args:
        overload: what has the gradient.
        keep: takes the context, positional and named arguments.
        backward: takes the context and gradients, returns one for each positional argument.
    """
    redispatch = overload._handle.redispatch_boxed  # noqa: SLF001 -- a call less

    def forward(keyset: torch._C.DispatchKeySet, *positional: object, **named: object) -> Any:  # noqa: ANN401
        with _below_autograd():
            return redispatch(keyset & _BELOW_AUTOGRAD, *positional, **named)

    rules = Rules(overload.name(), forward, keep, backward)

    def run(keyset: torch._C.DispatchKeySet, *positional: object, **named: object) -> Any:  # noqa: ANN401
        if not is_forward_mode() and not (_is_grad_enabled() and _any_requires_grad(*positional)):
            return forward(keyset, *positional, **named)
        # torch calls this kernel for each of torch.func's levels, as it does its own kernels.
        with enable_single_level_autograd_function():
            return _Gradient.apply(rules, keyset, named, *positional)  # type: ignore[attr-defined]

    return run


@dataclass(frozen=True, slots=True)
class Rules:
    """What `_Gradient` has to know of an operator."""

    operator: str
    forward: Callable[..., Any]
    keep: Callable[..., None]
    backward: Callable[..., tuple[Tensor | None, ...]]


class _Gradient(_SingleLevelFunction):
    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 -- torch's context takes attributes
        rules: Rules,
        keyset: torch._C.DispatchKeySet,
        named: dict[str, object],
        *positional: object,
    ) -> Any:  # noqa: ANN401
        ctx.rules = rules
        rules.keep(ctx, positional, named)
        # A Function's forward switches gradients off, for torch.func's outer levels as well.
        with torch.enable_grad(), forward_ad._set_fwd_grad_enabled(True):  # noqa: SLF001
            return rules.forward(keyset, *positional, **named)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        return None, None, None, *ctx.rules.backward(ctx, *gradients)

    @staticmethod
    def jvp(ctx: Any, *tangents: object) -> NoReturn:  # noqa: ANN401
        del tangents
        refuse_forward_mode(ctx.rules.operator)


def is_forward_mode() -> bool:
    """Return whether tensors may have tangents, so that losing them would be silent."""
    return forward_ad._current_level >= 0  # noqa: SLF001 -- a number; there is no function


def is_transformed() -> bool:
    """Return whether torch.func's levels or tangents may hide what requires a gradient."""
    return _are_transforms_active() or is_forward_mode()


def refuse_forward_mode(operator: str) -> NoReturn:
    """Raise ArgumentRefused for a gradient in forward mode."""
    detail = (
        "the gradient is asked for in forward mode (torch.func.jvp, jacfwd, make_dual); allowed: "
        "backward mode; call torch.func.vjp, jacrev or backward()"
    )
    raise ArgumentRefused(operator=operator.removeprefix("opparity::"), detail=detail)


def _formula(
    reader: Reader,
) -> tuple[Callable[..., None], Callable[..., tuple[Tensor | None, ...]]]:
    """Return what keeps a backward pass's arguments, and what it computes."""
    name, place = reader.operator.name, reader.place(Role.INPUT)

    def keep(
        ctx: Any,  # noqa: ANN401 -- torch's context takes attributes
        positional: tuple[object, ...],
        named: dict[str, object],
    ) -> None:
        request = reader.read(positional, named)
        norm_gradients.refuse_gradients_of_scales(request)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(request.input)
        ctx.count, ctx.numbers = len(positional), request.parameters
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

    return keep, backward


def watch(operator: Operator, reader: Reader) -> Callable[..., Any]:
    """Return the Autograd kernel of an operator that writes to its arguments, or has no gradient.

    It refuses what it would lose, a gradient, and tells autograd of what is written, so that a
    tensor which autograd has saved is not changed unseen.
    """
    redispatch = overload_of(operator)._handle.redispatch_boxed  # noqa: SLF001 -- a call less
    written_to = (Role.VALUES, Role.SCALES, Role.RESIDUAL) if operator.mutates else ()
    outputs = [role for role in written_to if reader.has(role)]
    places = [reader.place(role) for role in outputs]

    def run(keyset: torch._C.DispatchKeySet, *positional: object, **named: object) -> Any:  # noqa: ANN401
        if is_forward_mode() and _any_tangent(*positional, *named.values()):
            refuse_forward_mode(operator.name)
        if _is_grad_enabled() and _any_requires_grad(*positional, **named):
            other = f"or call opparity.{general_name(reader.producer)}, which has one"
            kind = "an operator that writes to its arguments"
            if operator.has_experts:
                other += " and takes every row"
                kind = kind if operator.mutates else "an operator of experts"
            if operator.quantises_gradient:
                kind = "an operator that quantises a gradient"
                other = "call it within that, or detach the tensor"
            elif operator.has_columns:
                kind, other = "an operator of columns", f"{other} and returns rows alone"
            if operator.reads_sums:
                other += " and reads numbers"
                kind = kind if operator.mutates else "an operator of sums"
            reader.read(positional, named).refuse(
                f"a tensor requires grad and {kind} has no gradient; allowed: torch.no_grad(); "
                f"{other}"
            )
        if named:
            written = [reader.argument(role, positional, named) for role in outputs]
        else:
            written = [positional[place] for place in places]
        # A residual may be None.
        _increment_version([tensor for tensor in written if tensor is not None])
        with _below_autograd():
            return redispatch(keyset & _BELOW_AUTOGRAD, *positional, **named)

    return run


def _any_tangent(*arguments: object) -> bool:
    return any(
        isinstance(each, Tensor) and forward_ad.unpack_dual(each).tangent is not None
        for each in arguments
    )


# torch.library's own, looked up once: this is in front of each call outside of inference mode.
_are_transforms_active = torch._C._are_functorch_transforms_active  # noqa: SLF001
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
