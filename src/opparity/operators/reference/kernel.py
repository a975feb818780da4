"""The reference as a kernel that torch calls: it checks, computes and writes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from opparity.formats import Intermediate, ScaleLayout, ScaleRule
from opparity.operators import memory
from opparity.operators.allocation import allocate
from opparity.operators.checks import check, check_given
from opparity.operators.declaration import Role
from opparity.operators.reference import (
    Beside,
    add,
    backward,
    backward_of_rows,
    compute,
    layouts,
    produce,
    quantise,
    quantise_gradient,
    scaled,
)
from opparity.operators.reference.experts import rows_of, write_scales
from opparity.operators.request import reader_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.operators.checks import Checked
    from opparity.operators.declaration import Operator
    from opparity.operators.expert_checks import Experts
    from opparity.operators.request import Request


def kernel(operator: Operator) -> Callable[..., Any]:
    """Return a function with an operator's arguments."""
    reader = reader_of(operator)

    def run(*positional: object, **named: object) -> object:
        given = reader.read(positional, named)
        check_given(given)
        memory.check_storage(given)
        checked = check(given)
        memory.check(given, checked.recipe)
        request = _numbers(checked.request)
        if request.is_backward:
            return _gradients(request)
        if operator.mutates:
            _write(request, checked, request.arguments[Role.VALUES], checked.scales)
            return None
        experts, sizes = checked.experts, (checked.num_tokens, checked.hidden_size)
        values, scales = allocate(checked.recipe, *sizes, request.input, experts)
        is_masked = experts is not None and experts.is_masked
        _write(request, checked, values.flatten(0, 1) if is_masked else values, scales)
        if operator.has_columns:
            turned = (checked.hidden_size, checked.num_tokens)
            by_column = allocate(checked.recipe, *turned, request.input)
            _write_columns(request, checked, *by_column)
            return values, scales, *by_column
        if operator.returns_sum:
            return values, scales, _summed(request)
        return values, scales

    return run


def _numbers(request: Request) -> Request:
    """Return a request whose input is the numbers that sums stand for, if it is sums."""
    if not request.operator.reads_sums:
        return request
    factors = (request.arguments[Role.TOKEN_SCALES], request.arguments[Role.WEIGHT_SCALES])
    numbers = scaled(request.input, *factors, getattr(torch, request.dtype))
    return replace(request, arguments={**request.arguments, Role.INPUT: numbers})


def _gradients(request: Request) -> Tensor | tuple[Tensor, ...]:
    """Return what a backward operator returns, contiguous whatever its arguments are."""
    if request.producer.reduces:
        found = backward_of_rows(
            request.arguments[Role.GRADIENT],
            request.input,
            request.producer,
            request.parameters,
            Beside(request.tensor(Role.WEIGHT), request.tensor(Role.GATE)),
            request.tensor(Role.SUM_GRADIENT),
        )
        return tuple(map(_laid_out, found))
    gradient = backward(
        request.arguments[Role.GRADIENT],
        request.input,
        request.producer,
        request.parameters,
        interleaved=request.interleaved,
    )
    return _laid_out(gradient)


def _laid_out(tensor: Tensor) -> Tensor:
    """Return a tensor with a new one's strides, which torch calls contiguous without elements."""
    return tensor.contiguous() if tensor.numel() else tensor.new_empty(tensor.shape)


def _summed(request: Request) -> Tensor:
    return _laid_out(add(request.input, request.arguments[Role.RESIDUAL]))


def _write(request: Request, checked: Checked, values: Tensor, scales: Tensor | None) -> None:
    if checked.experts is not None:
        _write_experts(checked.experts, request, checked, values, scales)
        return
    residual = request.tensor(Role.RESIDUAL)
    updates = residual is not None and Role.RESIDUAL in request.outputs
    summed = add(request.input, residual) if residual is not None and updates else None
    computed, by_token = _computed(request, checked)
    _copy(values, computed)
    if residual is not None and summed is not None:
        _copy(residual, summed)
    _write_scales(request, checked, by_token, scales)


def _write_columns(request: Request, checked: Checked, values: Tensor, scales: Tensor) -> None:
    """Write the transposed products' values and scales."""
    if checked.num_tokens == 0:
        return
    if request.quantises_gradient:
        quantised, by_column = _gradient_codes(request, checked, turns=True)
        _copy(values, quantised)
        _write_scales(request, checked, by_column, scales)
        return
    products = produce(
        request.input,
        request.producer,
        request.parameters,
        intermediate=Intermediate(request.intermediate),
        interleaved=request.interleaved,
    )
    quantised, by_column = quantise(
        products.t().contiguous(), checked.recipe, scale_ub=_bound(request, checked)
    )
    _copy(values, quantised)
    _write_scales(request, checked, by_column, scales)


def _write_scales(
    request: Request, checked: Checked, by_token: Tensor | None, scales: Tensor | None
) -> None:
    if by_token is None or scales is None:
        return
    if checked.recipe.layout in (ScaleLayout.PACKED, ScaleLayout.SWIZZLE_128X4):
        stored = layouts.place(by_token, checked.recipe)
        if checked.recipe.layout is ScaleLayout.SWIZZLE_128X4:
            scales, stored = scales.view(torch.uint8).flatten(), stored.view(torch.uint8)
        if checked.recipe.layout is ScaleLayout.PACKED and Role.RECIPE not in request.names:
            layouts.clear_between_columns(scales)
        _copy(scales, stored)
    else:
        _copy(scales, by_token)


def _write_experts(
    experts: Experts, request: Request, checked: Checked, values: Tensor, scales: Tensor | None
) -> None:
    """Write the valid rows of each expert, and the scales of gaps and of others."""
    if request.operator.scale_of_others and scales is not None:
        scales.fill_(request.operator.scale_of_others)
    for rows in rows_of(experts, checked.num_tokens):
        own = slice(rows.first, rows.first + rows.count)
        scale = request.tensor(Role.SCALE)
        if scale is not None and scale.numel() > 1:
            scale = scale[rows.expert]
        part = {Role.INPUT: request.input[own], Role.SCALE: scale}
        weights = request.tensor(Role.ROW_WEIGHTS)
        if weights is not None:
            part[Role.ROW_WEIGHTS] = weights.flatten()[own]
        computed, by_token = _computed(
            replace(request, arguments={**request.arguments, **part}), checked
        )
        _copy(values[own], computed)
        if by_token is not None and scales is not None:
            write_scales(scales, by_token, checked.recipe, rows, experts)


def _computed(request: Request, checked: Checked) -> tuple[Tensor, Tensor | None]:
    """Return a request's values, and its scales [num_tokens, num_groups]."""
    if request.quantises_gradient:
        return _gradient_codes(request, checked)
    return compute(
        request.input,
        request.producer,
        request.parameters,
        checked.recipe,
        intermediate=Intermediate(request.intermediate),
        interleaved=request.interleaved,
        beside=Beside(
            weight=request.tensor(Role.WEIGHT),
            gate=request.tensor(Role.GATE),
            residual=request.tensor(Role.RESIDUAL),
            keeps_sum=request.operator.keeps_sum,
        ),
        row_weights=request.tensor(Role.ROW_WEIGHTS),
        scale=request.tensor(Role.SCALE),
        scale_ub=_bound(request, checked),
        least=_least(request, checked),
    )


def _gradient_codes(
    request: Request, checked: Checked, *, turns: bool = False
) -> tuple[Tensor, Tensor | None]:
    """Return values and scales of a request's gradient, or of its columns."""
    return quantise_gradient(
        request.arguments[Role.GRADIENT],
        request.input,
        request.producer,
        request.parameters,
        checked.recipe,
        intermediate=Intermediate(request.intermediate),
        interleaved=request.interleaved,
        scale=request.tensor(Role.SCALE),
        scale_ub=_bound(request, checked),
        turns=turns,
    )


def _copy(target: Tensor, source: Tensor) -> None:
    # FP8 tensors cannot be copied on every device; their bytes can.
    if target.element_size() == 1:
        target, source = target.view(torch.uint8), source.view(torch.uint8)
    target.copy_(source)


def _bound(request: Request, checked: Checked) -> Tensor | None:
    """Return the upper bound of scales."""
    bound, facts = request.tensor(Role.SCALE_UB), checked.recipe.format
    if bound is None or facts is None or not request.operator.bounds_amax:
        return bound
    return bound / torch.full_like(bound, facts.maximum)


def _least(request: Request, checked: Checked) -> float | None:
    """Return the lower clamp: of scales by the rule AMAX, of the largest magnitude by others."""
    least: float | None = request.arguments.get(Role.LEAST_AMAX)
    facts = checked.recipe.format
    if facts is None:
        return least
    maximum = torch.tensor(facts.maximum)
    if checked.recipe.rule is ScaleRule.AMAX:
        return None if least is None else float(torch.tensor(least) / maximum)
    # An operator may have a least scale without an eps.
    return max(least or 0.0, float(torch.tensor(request.operator.least_scale) * maximum)) or None
