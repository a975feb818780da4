"""The operators behind the linear modules: opparity::quantized_linear and ::exact_sums.

They are operators, so that torch.compile leaves roundings as they are: the compiler would keep a
float32 number where the module rounds one, and fuse a product with a sum.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from opparity.nn.products import int8, product_named
from opparity.nn.products.dequantised import spread
from opparity.operators.gradients import autograd_kernel
from opparity.operators.refusal import refuse


def _multiply(
    values: Tensor,
    scales: Tensor,
    weight: Tensor,
    weight_scales: Tensor,
    bias: Tensor | None,
    through: Tensor | None,
    trained: Tensor | None,
    product: str,
    dtype: torch.dtype,
) -> Tensor:
    """Multiply; `through` and `trained` take gradients, and their numbers are not read.

    They stand for what activations and weight were quantised from.
    """
    del through, trained
    _check_devices(values, scales, weight, weight_scales, bias)
    found = product_named(product).multiply(values, scales, weight, weight_scales, dtype)
    return found if bias is None else found.add_(bias)


def _check_devices(values: Tensor, *others: Tensor | None) -> None:
    for tensor in others:
        if tensor is not None and tensor.device != values.device:
            refuse(
                "quantized_linear",
                f"a tensor is on {tensor.device} and the activations on {values.device}; allowed: "
                "one device; move the module",
            )


def _fake(
    values: Tensor,
    scales: Tensor,
    weight: Tensor,
    weight_scales: Tensor,
    bias: Tensor | None,
    through: Tensor | None,
    trained: Tensor | None,
    product: str,
    dtype: torch.dtype,
) -> Tensor:
    # torch asks this one of any call with a tensor without contents among its arguments.
    _check_devices(values, scales, weight, weight_scales, bias)
    del through, trained, product
    return values.new_empty((values.shape[0], weight.shape[0]), dtype=dtype)


def _keep(ctx: Any, positional: tuple[Any, ...], named: dict[str, object]) -> None:  # noqa: ANN401
    assert not named, "the modules give all arguments by their place"
    values, scales, weight, weight_scales, _, through, trained, *_ = positional
    ctx.has = through is not None, trained is not None
    activations = (values, scales) if trained is not None else (None, None)
    ctx.save_for_backward(*activations, weight, weight_scales)


def _backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401 -- torch's own
    values, scales, weight, weight_scales = ctx.saved_tensors
    of_input = of_weight = None
    if ctx.has[0]:
        of_input = gradient @ spread(weight, weight_scales).to(gradient.dtype)
    if ctx.has[1]:
        of_weight = gradient.t() @ spread(values, scales).to(gradient.dtype)
    return (*[None] * 5, of_input, of_weight, None, None)


def _batched(info: Any, places: tuple[int | None, ...], *arguments: Any) -> tuple[Tensor, int]:  # noqa: ANN401
    """Multiply one batch after another: their weights may differ."""
    rows = [
        quantized_linear(
            *(
                given if place is None else given.select(place, batch)
                for given, place in zip(arguments, places, strict=True)
            )
        )
        for batch in range(info.batch_size)
    ]
    return torch.stack(rows), 0


def _exact_sums(values: Tensor, weight: Tensor) -> Tensor:
    """Return values @ weight.T of int8 matrices as int32, exactly."""
    _check_devices(values, weight)
    return int8.exact_product(values, weight)


def _fake_sums(values: Tensor, weight: Tensor) -> Tensor:
    _check_devices(values, weight)
    rows, columns = values.shape[0], weight.shape[0]
    step = columns + int8.columns_behind(values, columns)
    return values.new_empty_strided((rows, columns), (step, 1), dtype=torch.int32)


_LIBRARY = torch.library.Library("opparity", "FRAGMENT")
# A tensor that is always there comes first: torch 2.11 takes a DTensor's mesh from that one alone.
_LIBRARY.define(
    "quantized_linear(Tensor values, Tensor scales, Tensor weight, Tensor weight_scales, "
    "Tensor? bias, Tensor? through, Tensor? trained, str product, ScalarType dtype) -> Tensor",
    tags=(torch.Tag.pt2_compliant_tag,),
)
_LIBRARY.impl("quantized_linear", _multiply, "CompositeExplicitAutograd")
torch.library.register_fake("opparity::quantized_linear", _fake, lib=_LIBRARY)
quantized_linear = torch.ops.opparity.quantized_linear.default
# torch.library's own fails in torch.func's transforms.
_LIBRARY.impl(
    "quantized_linear",
    autograd_kernel(quantized_linear, _keep, _backward),
    "Autograd",
    with_keyset=True,
)
torch.library.register_vmap("opparity::quantized_linear", _batched, lib=_LIBRARY)
_LIBRARY.define(
    "exact_sums(Tensor values, Tensor weight) -> Tensor", tags=(torch.Tag.pt2_compliant_tag,)
)
_LIBRARY.impl("exact_sums", _exact_sums, "CompositeExplicitAutograd")
torch.library.register_fake("opparity::exact_sums", _fake_sums, lib=_LIBRARY)
exact_sums = torch.ops.opparity.exact_sums.default
