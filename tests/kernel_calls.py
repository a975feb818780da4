"""Calls of the GPU kernel with inputs that are hard, and what the reference says they write."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from kernel_memory import Memory, every_byte
from kernel_variants import ROW_SHAPES, SHAPES
from opparity.formats import (
    INPUT_DTYPES,
    VALUE_FORMATS,
    ExpertLayout,
    Intermediate,
    Recipe,
    ScaleRule,
)
from opparity.operators import PRODUCERS, producer_named
from opparity.operators.reference import (
    Beside,
    add,
    backward,
    compute,
    layouts,
    quantise_gradient,
    scaled,
)

if TYPE_CHECKING:
    from kernel_launches import Launcher
    from kernel_variants import Variant

_MOST_PARAMETERS = 4
# Where a parameter has no default.
_LIMIT = 3.5


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes:
        recipe: one of the variant's; ignored backward.
        given: the tensor's scale or the global one, where the recipe has it given.
        bound: of scales by the rule AMAX.
        least: as the reference takes it.
        parameters: the producer's; its defaults where they are None.
    """

    variant: Variant
    recipe: Recipe
    num_tokens: int
    hidden_size: int
    given: float = 1.0
    bound: float | None = None
    least: float | None = None
    seed: int = 0
    parameters: tuple[float, ...] | None = None

    @property
    def name(self) -> str:
        """Return its name in messages."""
        name = f"{self.variant.name}, {self.recipe}, {self.num_tokens} x {self.hidden_size}"
        return f"{name}, given {self.given}, bound {self.bound}, least {self.least}"


# Scales are given, or bounded, by numbers that are none or hardly one, too.
_GIVEN = (0.037, 77.0, 0.0, float("nan"), -1.0, float("inf"), 1e-42, 3e38)
_BOUNDS = (0.01, float("inf"), 0.0, float("nan"), 3.0, -2.0, 1e-42)
_LEASTS = (None, None, 1e-3, 4.0, None)
_WIDTHS = (336, 48, 272, 256, 80, 784, 512, 768)
_UNALIGNED_WIDTHS = (322, 14, 330, 256, 62, 258, 512, 768)


def calls_of(variant: Variant) -> list[Call]:
    """Return a call of a variant by each of its recipes, and some more where there are few."""
    recipes = variant.recipes
    # Whole rows may be wide, and their threads are fibers here.
    numbers = range(max(len(recipes), 3 if variant.width else len(_GIVEN)))
    return [call_of(variant, recipes[number % len(recipes)], number) for number in numbers]


def call_of(variant: Variant, recipe: Recipe, number: int) -> Call:
    """Return a call of a variant; the number says of which size, and with which settings."""
    widths = _widths_of(variant)
    # Tiles of scales are 128 tokens high, and blocks that stay take 49,152 elements in a turn.
    is_tall = variant.order == "kInTiles" and number < 3 and not variant.width
    has_many = is_tall or variant.shape == "kTabled"
    has_least = variant.rule not in {ScaleRule.GIVEN, ScaleRule.NONE}
    return Call(
        variant,
        recipe,
        num_tokens=135 if has_many else 9,
        hidden_size=widths[number % len(widths)],
        given=_GIVEN[number % len(_GIVEN)],
        bound=_BOUNDS[number % len(_BOUNDS)] if variant.bound else None,
        least=_LEASTS[number % len(_LEASTS)] if has_least else None,
        seed=number,
    )


def _widths_of(variant: Variant) -> list[int]:
    widths: tuple[int, ...]
    if variant.width is not None:
        return [variant.width]
    if variant.quantises and producer_named(variant.producer).gated:
        return _widths_of_gradients(variant)
    if variant.shape != "kUnaligned":
        widths = _WIDTHS
    elif variant.value == "float4_e2m1":
        widths = _UNALIGNED_WIDTHS
    else:
        widths = tuple(width + (width % 16 != 0) for width in _UNALIGNED_WIDTHS)
    group_size = variant.group_size or 1
    return [width for width in widths if (width % group_size != 0) == variant.tail]


def _widths_of_gradients(variant: Variant) -> list[int]:
    """Return widths of a gated producer's input, whose halves are whole groups."""
    group_size = variant.group_size or 32
    if not variant.interleaved:
        return [2 * group_size * groups for groups in (1, 2, 3, 5)]
    widths = _UNALIGNED_WIDTHS if variant.shape == "kUnaligned" else _WIDTHS
    group_size = variant.group_size or 1
    return [width for width in widths if (width % group_size != 0) == variant.tail]


@dataclass(slots=True)
class Prepared:
    """A call's text for launches.cpp, its outputs, and what they were made from."""

    text: str
    outputs: dict[str, Memory]
    keeps: list[object] = field(default_factory=list)

    def differences(self) -> list[str]:
        """Say what differs in each output."""
        found = ((name, memory.difference()) for name, memory in self.outputs.items())
        return [f"{name}: {text}" for name, text in found if text is not None]


def prepare(call: Call) -> Prepared:
    """Return a call's inputs and outputs in memory, with the reference's results beside."""
    variant = call.variant
    producer = producer_named(variant.producer)
    draw = torch.Generator().manual_seed(call.seed)
    # Of the input; a gradient that is quantised is as wide.
    width = call.hidden_size * (2 if producer.gated and not variant.quantises else 1)
    dtype = getattr(torch, variant.input)
    input = hard_rows(call.num_tokens, width, dtype, draw)
    defaults = [_LIMIT if p.default is None else p.default for p in producer.parameters]
    parameters = defaults if call.parameters is None else list(call.parameters)
    is_unaligned = _is_unaligned(variant)
    numbers = numbers_of(variant, parameters) | {
        "num_tokens": call.num_tokens,
        "hidden_size": call.hidden_size,
    }
    prepared = Prepared("", {})
    if variant.sums:
        hostile = call.seed % 2 == 1
        sums, of_tokens, of_columns = hard_sums(call.num_tokens, width, draw, is_hostile=hostile)
        _place_rows(prepared, numbers, "input", sums, is_unaligned=is_unaligned)
        for name, given in (("token_scales", of_tokens), ("weight_scales", of_columns)):
            _place_rows(prepared, numbers, name, given.t(), is_unaligned=is_unaligned)
        input = scaled(sums, of_tokens, of_columns, dtype)
    else:
        _place_rows(prepared, numbers, "input", input, is_unaligned=is_unaligned)
    if variant.gradient is None:
        _prepare_forward(call, prepared, numbers, input, parameters)
    else:
        dtype = getattr(torch, variant.gradient)
        product = width // 2 if producer.gated else width
        gradient = hard_rows(call.num_tokens, product, dtype, draw)
        _place_rows(prepared, numbers, "gradient", gradient, is_unaligned=is_unaligned)
    if variant.quantises:
        _prepare_forward(call, prepared, numbers, input, parameters, gradient)
    elif variant.gradient is not None:
        values = backward(gradient, input, producer, parameters, interleaved=variant.interleaved)
        _expect_values(prepared, numbers, values, is_unaligned=is_unaligned)
    prepared.text = text_of(numbers)
    return prepared


def text_of(numbers: dict[str, int]) -> str:
    """Return a call as launches.cpp reads it."""
    return " ".join(f"{name}={number}" for name, number in numbers.items())


def defines_of(launcher: Launcher, variant: Variant) -> tuple[str, ...]:
    """Return the macros that a variant is compiled with."""
    return launcher.plan(text_of(numbers_of(variant, []))).defines


def hard_rows(num_tokens: int, width: int, dtype: torch.dtype, draw: torch.Generator) -> Tensor:
    """Return rows of eight kinds: usual, scattered, zero, not finite, tiny, huge, any, large."""
    normal = torch.randn(num_tokens, width, generator=draw)
    exponents = torch.randint(-30, 20, (num_tokens, width), generator=draw)
    special = torch.tensor([torch.nan, -torch.nan, torch.inf, -torch.inf, 0.0, -0.0])
    chosen = special[torch.randint(0, 6, (num_tokens, width), generator=draw)]
    is_special = torch.rand(num_tokens, width, generator=draw) < 0.02
    tiny = torch.finfo(dtype).tiny
    kinds = (
        normal,
        torch.ldexp(normal, exponents),
        torch.where(normal > 0, 0.0, -0.0),
        torch.where(is_special, chosen, normal * 4),
        normal * (tiny / 16),
        normal.clamp(-3, 3) * (torch.finfo(dtype).max / 4),
        torch.randint(-(1 << 31), 1 << 31, (num_tokens, width), generator=draw)
        .int()
        .view(torch.float32),
        normal * 30,
    )
    rows = torch.stack(kinds)[torch.arange(num_tokens) % len(kinds), torch.arange(num_tokens)]
    return rows.to(dtype)


def hard_sums(
    num_tokens: int, width: int, draw: torch.Generator, *, is_hostile: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Return int32 sums of rows of four kinds, with their tokens' and their columns' scales.

    Kinds: usual, zero and extreme, any bits, and few bits. Hostile scales are of columns, too.
    """
    size = (num_tokens, width)
    special = torch.tensor([0, -(1 << 31), (1 << 31) - 1, (1 << 24) + 1, -(1 << 24) - 1, 1, -1])
    kinds = (
        torch.randn(size, generator=draw) * 30_000,
        special[torch.randint(0, len(special), size, generator=draw)],
        torch.randint(-(1 << 31), 1 << 31, size, generator=draw),
        torch.randint(-3, 4, size, generator=draw),
    )
    stacked = torch.stack([kind.to(torch.int64) for kind in kinds])
    sums = stacked[torch.arange(num_tokens) % len(kinds), torch.arange(num_tokens)].int()
    of_tokens = torch.rand(num_tokens, 1, generator=draw) * 2e-3
    of_columns = torch.rand(width, 1, generator=draw) * 2e-2
    numbers = torch.tensor(
        [torch.nan, -torch.nan, torch.inf, -torch.inf, 0.0, -0.0, 1e-42, 3e38, -0.01, 2.0**-133]
    )
    hostile = numbers[torch.randint(0, len(numbers), (num_tokens, 1), generator=draw)]
    of_tokens = torch.where(torch.rand(num_tokens, 1, generator=draw) < 0.3, hostile, of_tokens)
    if is_hostile:
        hostile = numbers[torch.randint(0, len(numbers), (width, 1), generator=draw)]
        of_columns = torch.where(torch.rand(width, 1, generator=draw) < 0.02, hostile, of_columns)
    return sums, of_tokens, of_columns


def numbers_of(variant: Variant, parameters: list[float]) -> dict[str, int]:
    """Return a call of a variant, at addresses where nothing is."""
    gradient = variant.input if variant.gradient is None else variant.gradient
    names = [producer.name for producer in PRODUCERS]
    numbers = {
        "producer": names.index(variant.producer),
        "is_backward": int(variant.gradient is not None and not variant.quantises),
        "quantises_gradient": int(variant.quantises),
        "is_interleaved": int(variant.interleaved),
        "input_type": INPUT_DTYPES.index(variant.input),
        "gradient_type": INPUT_DTYPES.index(gradient),
        "intermediate": list(Intermediate).index(variant.intermediate),
        "value_format": [*VALUE_FORMATS, "none"].index(variant.value),
        "group_size": variant.group_size or 0,
        "shape": (*SHAPES, *ROW_SHAPES).index(variant.shape),
        "is_by_token": int(variant.by_token),
        "bounds_amax": int(variant.bounds_amax),
        "keeps_sum": int(variant.residual == 2),
        # Where something has to be for the variant.
        "residual": 4096 if variant.residual else 0,
        "weight": 4096 if variant.weighted else 0,
        **dict.fromkeys(("gate", "sum"), 0),
        **dict.fromkeys(("gate_row_bytes", "residual_row_bytes", "sum_row_bytes"), 0),
        # Addresses and sizes of a call that is only planned.
        "input": 4096,
        "values": 8192,
        "input_row_bytes": 1 << 21,
        "values_row_bytes": 1 << 20,
        "num_tokens": 1,
        "hidden_size": _widths_of(variant)[0],
        "scale_bound": 1 << 16 if variant.bound else 0,
        **dict.fromkeys(("gradient", "gradient_row_bytes", "scales", "given_scale"), 0),
        "least": 0,
        "scale_is_byte": int(variant.byte),
        **place_of(variant.order, (4, 16), 0, 0),
        "rule": list(ScaleRule).index(variant.rule),
        **dict.fromkeys(("sum_gradient", "gate_gradient", "weight_gradient", "workspace"), 0),
        **dict.fromkeys(("sum_gradient_row_bytes", "gate_gradient_row_bytes", "adds"), 0),
        **dict.fromkeys(("column_values", "column_scales", "column_row_bytes"), 0),
        **{f"column_{name}": n for name, n in place_of("kStrided", (4, 16), 0, 0).items()},
        "experts": len(ExpertLayout),
        **dict.fromkeys(("rows", "scale_offsets", "count", "room", "multiple"), 0),
        **dict.fromkeys(("scale_bytes", "scale_rows", "scale_step", "row_weights"), 0),
        **dict.fromkeys(("token_scales", "weight_scales"), 4096 if variant.sums else 0),
    }
    padded = parameters + [1.0] * (_MOST_PARAMETERS - len(parameters))
    for index, parameter in enumerate(torch.tensor(padded)):
        numbers[f"value_{index}"] = _bits(parameter)
        numbers[f"reciprocal_{index}"] = _bits(1 / parameter)
    return numbers


def _prepare_forward(
    call: Call,
    prepared: Prepared,
    numbers: dict[str, int],
    input: Tensor,
    parameters: list[float],
    gradient: Tensor | None = None,
) -> None:
    variant, recipe = call.variant, call.recipe
    is_given = recipe.rule in {ScaleRule.GIVEN, ScaleRule.GLOBAL}
    scale = torch.tensor([call.given]) if is_given else None
    bound = None if call.bound is None else torch.tensor([call.bound])
    beside = _prepare_beside(call, prepared, numbers, input)
    largest = VALUE_FORMATS[recipe.value].maximum if variant.bounds_amax else 1.0
    shared: dict[str, Any] = {
        "intermediate": variant.intermediate,
        "interleaved": variant.interleaved,
        "scale": scale,
        "scale_ub": None if bound is None else bound / torch.full_like(bound, largest),
        "least": call.least,
    }
    given = (input, producer_named(variant.producer), parameters, recipe)
    if gradient is not None:
        values, stored = quantise_gradient(gradient, *given, **shared)
    else:
        values, stored = compute(*given, beside=beside, **shared)
    _expect_values(prepared, numbers, values, is_unaligned=_is_unaligned(variant))
    least = call.least
    if least is None:
        is_amax = recipe.rule is ScaleRule.AMAX
        least = VALUE_FORMATS[recipe.value].minimum_scale if is_amax else 0.0
    numbers |= {
        "least": _bits(torch.tensor(least)),
        "given_scale": 0 if scale is None else scale.data_ptr(),
        "scale_bound": 0 if bound is None else bound.data_ptr(),
    }
    prepared.keeps += [scale, bound]
    if stored is not None:
        placed = layouts.place(stored, recipe)
        written = layouts.place(every_byte(stored), recipe)
        if variant.order == "kInTiles":
            # The kernel clears what is padding; of words, another does beforehand.
            written = torch.ones(written.shape, dtype=torch.uint8)
        memory = Memory.of_scales(placed, written)
        prepared.outputs["scales"] = memory
        steps = tuple(placed.element_size() * stride for stride in placed.stride())
        place = place_of(variant.order, steps, call.num_tokens, stored.shape[1])
        numbers |= {"scales": memory.address} | place


def _prepare_beside(
    call: Call, prepared: Prepared, numbers: dict[str, int], input: Tensor
) -> Beside:
    """Put into memory what a producer that reduces has beside its input."""
    variant, producer = call.variant, producer_named(call.variant.producer)
    if not producer.reduces:
        return Beside()
    draw = torch.Generator().manual_seed(call.seed + 1000)
    is_unaligned, size = _is_unaligned(variant), input.element_size()
    weight = gate = residual = None
    if variant.weighted:
        weight = (torch.randn(call.hidden_size, generator=draw) * 2).to(input.dtype)
        _place_rows(prepared, numbers, "weight", weight[None], is_unaligned=is_unaligned)
    if producer.takes_gate:
        gate = hard_rows(call.num_tokens, call.hidden_size, input.dtype, draw)
        _place_rows(prepared, numbers, "gate", gate, is_unaligned=is_unaligned)
    if variant.residual:
        residual = hard_rows(call.num_tokens, call.hidden_size, input.dtype, draw).flip(0)
        _place_rows(prepared, numbers, "residual", residual, is_unaligned=is_unaligned)
        total = add(input, residual)
        memory = prepared.outputs["residual"]
        if call.seed % 2:
            # In place.
            memory.expect(total)
        else:
            row_bytes = total.shape[1] * size + (size if is_unaligned else 16)
            memory = Memory.of_rows(total, row_bytes, offset=size if is_unaligned else 0)
            prepared.outputs["sum"] = memory
        numbers |= {"sum": memory.address, "sum_row_bytes": numbers["residual_row_bytes"]}
    return Beside(weight, gate, residual, keeps_sum=variant.residual == 2)


def _is_unaligned(variant: Variant) -> bool:
    return variant.shape in ("kUnaligned", "kUnalignedRow")


def place_of(
    order: str, steps: tuple[int, ...], num_tokens: int, num_groups: int
) -> dict[str, int]:
    """Return where the scale of (token, group) lies, as opparity::ScalePlace has it.

    Args:
        order: of the variant.
        steps: in bytes, from a token to the next, and from a group or a word to the next.
        num_tokens: of the call.
        num_groups: of a token.
    """
    padding = (0, 0)
    if order == "kInTiles":
        tokens, groups = -(-num_tokens // 128) * 128, -(-num_groups // 4) * 4
        lengths = (groups * 128, 4, 16, 512, 1)
        if (tokens, groups) != (num_tokens, num_groups):
            padding = (tokens, groups)
    elif order == "kInWords":
        token, word = steps
        lengths = (128 * token, 32 * token, token, word, 1)
    else:
        token, group = steps
        lengths = (128 * token, 32 * token, token, 4 * group, group)
    names = ("token_128", "token_32", "token", "group_4", "group", "padded_tokens", "padded_groups")
    numbers = dict(zip(names, (*lengths, *padding), strict=True))
    return numbers | {"is_tiled": int(order != "kStrided")}


def _place_rows(
    prepared: Prepared, numbers: dict[str, int], name: str, rows: Tensor, *, is_unaligned: bool
) -> None:
    """Put an input's rows in memory, farther apart than they are wide."""
    size = rows.element_size()
    row_bytes = rows.shape[1] * size + (size if is_unaligned else 16)
    memory = Memory.of_rows(rows, row_bytes, offset=size if is_unaligned else 0)
    memory.bytes.copy_(memory.expected)
    numbers |= {name: memory.address, f"{name}_row_bytes": row_bytes}
    # An input has to stay as it is.
    prepared.outputs[name] = memory


def _expect_values(
    prepared: Prepared, numbers: dict[str, int], values: Tensor, *, is_unaligned: bool
) -> None:
    size = values.element_size()
    row_bytes = values.shape[1] * size + (size if is_unaligned else 16)
    memory = Memory.of_rows(values, row_bytes, offset=size if is_unaligned else 0)
    numbers |= {"values": memory.address, "values_row_bytes": row_bytes}
    prepared.outputs["values"] = memory


def _bits(number: Tensor) -> int:
    return int(number.float().view(torch.int32)) & 0xFFFFFFFF
