"""DTensor: how each operator may be sharded over devices, and which sharding is refused.

Tokens may be sharded by any operator. The last dimension may be where whole groups stay together
and no row is summed; where it may not, torch would gather the tensor without a word, so the
operator refuses, with the number to use.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard
from torch.distributed.tensor.experimental import register_sharding

from opparity import torch_names
from opparity.formats import Recipe, ScaleLayout, ScaleRule
from opparity.nn.multiplication import exact_sums, quantized_linear
from opparity.operators import OPERATORS, producer_named, registration
from opparity.operators.refusal import refuse
from opparity.operators.scale_checks import GROUPS_OF_A_WORD, TILE_TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.distributed.tensor._dtensor_spec import DTensorSpec
    from torch.distributed.tensor.placement_types import Placement

    from opparity.operators.declaration import Operator

# Placements of what an operator returns, and of each argument, on one dimension of a mesh.
Sharding = tuple[list["Placement | None"], list["Placement | None"]]
# Arguments with a row for each token.
_ROWS = (
    "input",
    "gradient",
    "residual",
    "gate",
    "found",
    "through",
    "values",
    "scales",
    "token_scales",
)
# Beside them, of operators of experts.
_OF_EXPERTS = ("rows", "row_weights")
_TOKENS, _LAST = 0, 1


@cache
def register() -> None:
    """Tell torch the rules, once a process; opparity's functions do so when they see a DTensor."""
    torch_names.require(torch_names.SHARDING)
    registration.load()
    for operator in OPERATORS:
        overload = _overload(operator)
        if operator.mutates:
            _give(overload, partial(_refuse_mutation, operator))
        else:
            _give(overload, partial(_shardings, operator, overload))
    for overload in (
        torch.ops.opparity.straight_through.default,
        torch.ops.opparity.without_gradient.default,
        quantized_linear,
        exact_sums,
    ):
        _give(overload, partial(_by_tokens, overload))


def _give(overload: torch._ops.OpOverload, rule: Callable[..., list[Sharding]]) -> None:
    """Register a rule, asked anew for each recipe: torch's cache looks at no text by itself."""
    register_sharding(overload)(rule)
    arguments = overload._schema.arguments  # noqa: SLF001 -- torch has no public list of them
    positional = [argument for argument in arguments if not argument.kwarg_only]
    first = next(
        (place for place, a in enumerate(positional) if not _is_tensor(a)), len(positional)
    )
    by_name = [a.name for a in arguments if a.kwarg_only and not _is_tensor(a)]
    known = DTensor._op_dispatcher.sharding_propagator.op_to_schema_info  # noqa: SLF001
    # register_sharding has put an entry there; torch has no public way to say more of it.
    known[overload] = replace(known[overload], static_argnum=first, static_kwargkey=by_name or None)


def _is_tensor(argument: torch.Argument) -> bool:
    return "Tensor" in str(argument.type)


class _Call(NamedTuple):
    """A call's arguments by name, tensors as their specifications."""

    operator: Operator
    named: dict[str, Any]

    @property
    def input(self) -> DTensorSpec:
        found: DTensorSpec = self.named["input"]
        return found

    @property
    def recipe(self) -> Recipe | None:
        text = self.named.get("recipe")
        return None if text is None else Recipe.parse(text)


def _overload(operator: Operator) -> torch._ops.OpOverload:
    packet = getattr(torch.ops.opparity, operator.name)
    found: torch._ops.OpOverload = getattr(packet, operator.overload or "default")
    return found


def _refuse_mutation(operator: Operator, *_: object, **__: object) -> list[Sharding]:
    refuse(
        operator.qualified_name,
        "an argument is a DTensor; allowed: tensors, since what is written to was sharded before; "
        "call opparity's function, which returns new ones",
    )


def _shardings(
    operator: Operator, overload: torch._ops.OpOverload, *given: object, **named: object
) -> list[Sharding]:
    """Return what an operator's call allows, after refusing what would be gathered in silence."""
    names = [argument.name for argument in overload._schema.arguments]  # noqa: SLF001
    call = _Call(operator, {**dict(zip(names, given, strict=False)), **named})
    if operator.has_experts:
        _refuse_split_experts(call)
    over_last = _objection_to_the_last_dimension(call)
    for mesh_dimension, placement in enumerate(call.input.placements):
        devices = call.input.mesh.size(mesh_dimension)
        if placement.is_shard(_LAST) or placement.is_shard(-1):
            _refuse_unless_whole(call, over_last, devices)
        elif placement.is_shard(_TOKENS) and not operator.has_experts:
            _refuse_split_tiles(call, devices)
            _refuse_split_columns(call, devices)
    allowed = [_placed(call, names, Replicate(), given)]
    if not operator.has_experts or call.named.get("experts", "masked") == "masked":
        allowed.append(_placed(call, names, Shard(_TOKENS), given))
    if over_last is None and not operator.has_experts:
        allowed.append(_placed(call, names, Shard(_LAST), given))
    return allowed


def _placed(
    call: _Call, names: list[str], placement: Placement, given: tuple[object, ...]
) -> Sharding:
    """Return the placements of a call whose rows have one, and whose other tensors are whole."""
    arguments: list[Placement | None] = []
    for name, value in [*zip(names, given, strict=False), *_later(call, names, len(given))]:
        if not hasattr(value, "placements"):
            arguments.append(None)
        else:
            rows = name in _ROWS or (call.operator.has_experts and name in _OF_EXPERTS)
            arguments.append(placement if rows else Replicate())
    return _results(call, placement), arguments


def _results(call: _Call, placement: Placement) -> list[Placement | None]:
    """Return the placements of what an operator returns for rows with one."""
    operator, recipe = call.operator, call.recipe
    if recipe is None:
        if not producer_named(operator.producer).reduces:
            return [placement]
        gate = [placement] if "gate" in call.named else []
        # A weight's gradient is the sum over all devices' tokens.
        return [placement, *gate, Partial() if placement.is_shard() else Replicate()]
    # Scales that are not computed have no elements, and so nothing to share.
    computed = recipe.rule not in (ScaleRule.GIVEN, ScaleRule.NONE)
    results: list[Placement | None] = [placement, placement if computed else Replicate()]
    if operator.returns_sum:
        results.append(placement)
    if operator.has_columns:
        # Transposed: tokens are the last dimension.
        results += [Shard(_LAST) if placement.is_shard(_TOKENS) else placement] * 2
    return results


def _later(call: _Call, names: list[str], count: int) -> list[tuple[str, object]]:
    """Return the arguments that were given by name, in the schema's order."""
    return [(name, call.named[name]) for name in names[count:] if name in call.named]


def _objection_to_the_last_dimension(call: _Call) -> str | None:
    """Return why no sharding of the last dimension gives the bytes of the whole."""
    if call.operator.has_columns:
        return "its columns are transposed"
    if call.operator.reads_sums:
        return "its columns' scales are on each device as a whole"
    producer, recipe = producer_named(call.operator.producer), call.recipe
    if producer.gated:
        return "it holds gate and up, and a device would get a part of one of them"
    if producer.reduces:
        return "a norm sums whole rows"
    if recipe is None or recipe.format is None:
        return None
    if recipe.by_token:
        return f"'{recipe}' has one scale for a whole row"
    if recipe.layout is ScaleLayout.SWIZZLE_128X4:
        return f"'{recipe}' keeps a row's scales in tiles of four groups"
    return None


def _refuse_unless_whole(call: _Call, objection: str | None, devices: int) -> None:
    if objection is not None:
        refuse(
            call.operator.qualified_name,
            f"the input is sharded over its last dimension; {objection}; allowed: Shard(0) or "
            "Replicate(); redistribute it",
        )
    recipe = call.recipe
    if recipe is None or recipe.format is None or recipe.rule is ScaleRule.GIVEN:
        return
    size = recipe.group_size
    assert isinstance(size, int)
    step = size * (GROUPS_OF_A_WORD if recipe.layout is ScaleLayout.PACKED else 1)
    width = call.input.shape[-1]
    if width % (step * devices):
        refuse(
            call.operator.qualified_name,
            f"the input's {width} columns are sharded over {devices} devices; allowed for "
            f"'{recipe}': a multiple of {step} columns on each, {step * devices} in all; "
            "redistribute it by Shard(0), or pad it",
        )


def _refuse_split_tiles(call: _Call, devices: int) -> None:
    recipe = call.recipe
    if recipe is None or recipe.layout is not ScaleLayout.SWIZZLE_128X4:
        return
    tokens = call.input.shape[0]
    if tokens % (TILE_TOKENS * devices):
        refuse(
            call.operator.qualified_name,
            f"the input's {tokens} tokens are sharded over {devices} devices; allowed for "
            f"'{recipe}': a multiple of {TILE_TOKENS} tokens on each, {TILE_TOKENS * devices} in "
            "all, so that no tile of scales is split; pad the tokens, or take another layout",
        )


def _refuse_split_columns(call: _Call, devices: int) -> None:
    recipe = call.recipe
    if not call.operator.has_columns or recipe is None:
        return
    tokens, size = call.input.shape[0], recipe.group_size
    assert isinstance(size, int)
    rows = recipe.layout in (ScaleLayout.ROW_MAJOR, ScaleLayout.COLUMN_MAJOR)
    if not rows or tokens % (size * devices):
        refuse(
            call.operator.qualified_name,
            f"the input's {tokens} tokens are sharded over {devices} devices; allowed for columns "
            f"with '{recipe}': a multiple of {size} tokens on each, {size * devices} in all, and "
            "scales by rows or columns; pad the tokens, or redistribute them",
        )


def _refuse_split_experts(call: _Call) -> None:
    """Refuse all but whole experts on each device."""
    for name in ("input", *_OF_EXPERTS):
        given = call.named.get(name)
        if given is None:
            continue
        kept = [p for p in given.placements if not p.is_replicate()]
        masked = call.named.get("experts", "masked") == "masked"
        if kept and not (masked and all(p.is_shard(_TOKENS) for p in kept)):
            refuse(
                call.operator.qualified_name,
                f"{name} is sharded by {', '.join(map(str, kept))}; allowed: Replicate(), and for "
                "masked experts Shard(0), whole experts on each device; redistribute it",
            )


def _by_tokens(overload: torch._ops.OpOverload, *given: object, **named: object) -> list[Sharding]:
    """Return the rule of an operator whose result has its rows; what has none stays whole."""
    names = [argument.name for argument in overload._schema.arguments]  # noqa: SLF001
    found: list[Sharding] = []
    for placement in (Replicate(), Shard(_TOKENS)):
        arguments: list[Placement | None] = []
        for name, value in [*zip(names, given, strict=False), *named.items()]:
            if not hasattr(value, "placements"):
                arguments.append(None)
            else:
                arguments.append(placement if name in _ROWS else Replicate())
        found.append(([placement], arguments))
    return found
