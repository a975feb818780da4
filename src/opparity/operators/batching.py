"""torch.vmap's rule: a batch of token lists is one list of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from opparity.formats import ScaleLayout
from opparity.operators import general_name
from opparity.operators.declaration import Role
from opparity.operators.gradients import overload_of
from opparity.operators.recipes import recipe_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.operators.declaration import Operator
    from opparity.operators.request import Reader, Request

# In the others a token's place hangs on how many tokens there are.
_BATCHED_LAYOUTS = (ScaleLayout.ROW_MAJOR, ScaleLayout.COLUMN_MAJOR)


def rule(operator: Operator, reader: Reader) -> Callable[..., Any]:
    """Return what torch.library.register_vmap takes, for an operator that returns tensors."""
    overload = overload_of(operator)

    def run(info: Any, dims: tuple[int | None, ...], *positional: Any, **named: Any) -> Any:  # noqa: ANN401
        request = reader.read(positional, named)
        _check(request, dims, reader)
        size = info.batch_size
        if request.is_backward and request.producer.reduces:
            return _one_by_one(overload, size, dims, positional, named)
        arguments = list(positional)
        for role in (Role.GRADIENT, Role.GATE, Role.RESIDUAL, Role.INPUT):
            if role in request.names:
                place = reader.place(role)
                arguments[place] = _merged(arguments[place], dims[place], size)
        results = overload(*arguments, **named)
        if isinstance(results, Tensor):
            return _split(results, size), 0
        # No scales to split where the recipe computes none.
        split = [(r, None) if r.dim() == 1 else (_split(r, size), 0) for r in results]
        return tuple(result for result, _ in split), tuple(dim for _, dim in split)

    return run


def _one_by_one(
    overload: Callable[..., tuple[Tensor, ...]],
    size: int,
    dims: tuple[int | None, ...],
    positional: tuple[Any, ...],
    named: dict[str, Any],
) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
    """Call a norm's backward operator for each of a batch: the weight's gradient is one of each."""
    results = [
        overload(
            *(
                argument if dim is None else argument.select(dim, index)
                for argument, dim in zip(positional, dims, strict=False)
            ),
            **named,
        )
        for index in range(size)
    ]
    stacked = tuple(torch.stack(parts) for parts in zip(*results, strict=True))
    return stacked, (0,) * len(stacked)


def refusal(reader: Reader) -> Callable[..., None]:
    """Return the kernel under vmap of an operator that writes to its arguments, or of experts."""
    kind = "operators that return tensors"
    if reader.operator.reads_sums:
        kind = "operators that read numbers"
    elif not reader.operator.is_general:
        kind = "operators of all rows alone"

    def run(*positional: object, **named: object) -> None:
        reader.read(positional, named).refuse(
            f"it is called under torch.vmap; allowed: {kind}; call "
            f"opparity.{general_name(reader.producer)}"
        )

    return run


def _check(request: Request, dims: tuple[int | None, ...], reader: Reader) -> None:
    for role in (Role.WEIGHT, Role.SCALE, Role.SCALE_UB):
        # torch leaves out arguments at the end that have their default.
        if role in request.names and dims[reader.place(role) :][:1] not in ((), (None,)):
            request.refuse(
                f"{request.names[role]} differs within torch.vmap's batch; allowed: one for all; "
                "call the operator for each"
            )
    layout = ScaleLayout.ROW_MAJOR if request.is_backward else recipe_of(request).layout
    if layout not in _BATCHED_LAYOUTS:
        request.refuse(
            f"layout is '{layout}' under torch.vmap; allowed: {', '.join(_BATCHED_LAYOUTS)}; "
            "choose one"
        )


def _merged(tensor: Tensor, dim: int | None, size: int) -> Tensor:
    """Return [size * num_tokens, width]."""
    tensor = tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
    return tensor.reshape(size * tensor.shape[1], tensor.shape[2])


def _split(tensor: Tensor, size: int) -> Tensor:
    return tensor.reshape(size, tensor.shape[0] // size, tensor.shape[1])
