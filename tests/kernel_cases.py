"""Calls of a kernel and what the reference makes of them, as cpu_kernel_program.cpp reads them."""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from kernel_calls import hard_rows, hard_sums, place_of
from kernel_memory import every_byte, storage_bytes
from kernel_variants import ORDERS
from opparity.errors import ArgumentRefused
from opparity.formats import (
    GROUP_SIZES,
    INPUT_DTYPES,
    RECIPES,
    ROW,
    VALUE_FORMATS,
    Intermediate,
    Recipe,
    ScaleFormat,
    ScaleLayout,
    ScaleRule,
)
from opparity.operators import ELEMENTWISE, PRODUCERS, producer_named
from opparity.operators.reference import Beside, add, backward, compute, layouts, scaled
from opparity.operators.reference.gradient import quantise_gradient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from opparity.operators.declaration import Producer

UNTOUCHED = 0xA5
_SILU = producer_named("silu_and_mul")
_FORMATS = (*VALUE_FORMATS, "none")
_PARAMETERS = 4
# Bytes between the rows of tensors.
_GAP = 24
_NO_PLACE = (0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Case:
    """One call; `gradient` is the gradient's dtype where it is one backward, or quantises that.

    `residual` is 1 where one is added and 2 where the norm reads the sum before it is rounded.
    """

    producer: Producer
    recipe: Recipe
    dtype: str = "float32"
    intermediate: Intermediate = Intermediate.FLOAT32
    interleaved: bool = False
    gradient: str | None = None
    num_tokens: int = 10
    hidden_size: int = 346
    scale: float | None = None
    scale_ub: float | None = None
    least: float | None = None
    every_gate: bool = False
    residual: int = 0
    weighted: bool = True
    bounds_amax: bool = False
    numbers: tuple[float, ...] | None = None
    sums: bool = False

    def __str__(self) -> str:
        given = {"scale": self.scale, "scale_ub": self.scale_ub, "least": self.least}
        parts = [
            *(self.producer.name, str(self.recipe), self.dtype, str(self.intermediate)),
            *(["interleaved"] if self.interleaved else []),
            *([f"gradient {self.gradient}"] if self.gradient else []),
            *(["of sums"] if self.sums else []),
            *([f"residual {self.residual}"] if self.residual else []),
            *(["bounds amax"] if self.bounds_amax else []),
            *([f"numbers {self.numbers}"] if self.numbers else []),
            *(f"{name}={number!r}" for name, number in given.items() if number is not None),
            f"{self.num_tokens}x{self.hidden_size}",
        ]
        return " ".join(parts)

    @property
    def quantises(self) -> bool:
        """Whether it quantises a gradient."""
        return self.gradient is not None and self.recipe.format is not None

    @property
    def width(self) -> int:
        """The width of the output."""
        return self.hidden_size * (1 + (self.quantises and self.producer.gated))

    @property
    def parameters(self) -> list[float]:
        """The producer's numbers: those given, or its defaults, or 1.25 where there is none."""
        if self.numbers is not None:
            return list(self.numbers)
        return [1.25 if p.default is None else p.default for p in self.producer.parameters]


def cases() -> Iterator[Case]:
    """Return every producer, dtype, rounding, format, rule and layout, but not each with each."""
    for producer in ELEMENTWISE:
        yield from _of_producer(producer)
    yield from _of_rows()
    yield from _of_infinities()
    yield from _of_sums()
    yield from _of_gradients()
    for recipe in _recipes():
        yield from _of_recipe(recipe)
    for name, layout in itertools.product(("fp8_block_64", "mxfp8", "nvfp4"), ScaleLayout):
        try:
            recipe = RECIPES[name].with_layout(layout)
        except ArgumentRefused:
            continue
        case = Case(_SILU, recipe, scale=2.0 if recipe.rule is ScaleRule.GLOBAL else None)
        for num_tokens, hidden_size in ((131, 330), (3, 16), (1, 2)):
            yield replace(case, num_tokens=num_tokens, hidden_size=hidden_size)


def _of_producer(producer: Producer) -> Iterator[Case]:
    none = RECIPES["none"]
    orders = (False, True) if producer.gated else (False,)
    for dtype, interleaved in itertools.product(INPUT_DTYPES, orders):
        case = Case(producer, none, dtype, interleaved=interleaved)
        yield from (replace(case, intermediate=intermediate) for intermediate in Intermediate)
        yield replace(case, recipe=RECIPES["fp8_block_64"], hidden_size=331)
        for gradient in dict.fromkeys((dtype, "float32")):
            yield replace(case, gradient=gradient)
    every = Case(producer, none, num_tokens=512, hidden_size=256, every_gate=True)
    yield from (every, replace(every, gradient="float32"))


def _of_rows() -> Iterator[Case]:
    """Return calls of whole rows: norms, and scales by token of any producer."""
    tokens = [recipe for recipe in _recipes() if recipe.by_token]
    for producer, recipe in zip(ELEMENTWISE, itertools.cycle(tokens), strict=False):
        for dtype, width in zip(INPUT_DTYPES, (5, 331, 4500), strict=True):
            yield Case(producer, recipe, dtype, hidden_size=width)
    turn = itertools.cycle((1, 7, 33, 128, 257, 346, 2049, 5000, 8300))
    chosen = [*tokens, *(RECIPES[n] for n in ("none", "fp8_block_64", "int8_tensor", "mxfp8"))]
    for producer in PRODUCERS:
        if not producer.reduces:
            continue
        residuals = (0,) if producer.takes_gate else (0, 1, 2)
        for recipe, dtype, residual in itertools.product(chosen, INPUT_DTYPES, residuals):
            scale = 0.37 if recipe.rule is ScaleRule.GIVEN else None
            case = Case(producer, recipe, dtype, residual=residual, scale=scale)
            for weighted, intermediate in zip((True, True, False), Intermediate, strict=True):
                yield replace(
                    case, intermediate=intermediate, weighted=weighted, hidden_size=next(turn)
                )
    for recipe, bounds_amax in itertools.product(tokens, (False, True)):
        norm = producer_named("rms_norm")
        yield Case(norm, recipe, scale_ub=0.003, bounds_amax=bounds_amax)


def _of_infinities() -> Iterator[Case]:
    """Return calls in which zeros behind a row would make NaN: they meet an infinite factor."""
    recipes = [RECIPES[name] for name in ("int8_token", "fp8_block_64", "mxfp8")]
    # The offset is infinity in the input's dtype.
    swiglu = producer_named("swigluoai_and_mul")
    offsets = {"float16": 65520.0, "bfloat16": 3.4e38}
    for recipe, dtype, order, width in itertools.product(
        recipes, offsets, (False, True), (1, 31, 33, 65, 130)
    ):
        numbers = (1.702, 7.0, offsets[dtype])
        case = Case(swiglu, recipe, dtype, Intermediate.INPUT_DTYPE, order, numbers=numbers)
        yield replace(case, hidden_size=width)
    # Squares of float32's tiny numbers are zero, and nothing is added to their mean.
    norm = producer_named("rms_norm")
    for recipe, width in itertools.product(recipes, (1, 33, 130, 331)):
        yield Case(norm, recipe, hidden_size=width, numbers=(0.0, 0.0))


def _of_sums() -> Iterator[Case]:
    """Return calls that read int32 sums: each producer and dtype, each kind of scales and rest."""
    names = itertools.cycle(("int8_token", "fp8_block_64", "none", "mxfp8", "fp8_tensor"))
    widths = itertools.cycle((1, 31, 346, 2049, 128, 4500, 65, 16, 330))
    for producer, dtype, intermediate in itertools.product(ELEMENTWISE, INPUT_DTYPES, Intermediate):
        recipe = RECIPES[next(names)]
        for interleaved in (False, True)[: 1 + producer.gated]:
            scale = 0.37 if recipe.rule is ScaleRule.GIVEN else None
            width = next(widths)
            case = Case(producer, recipe, dtype, intermediate, interleaved, scale=scale, sums=True)
            yield replace(case, hidden_size=width, num_tokens=5)


def _of_gradients() -> Iterator[Case]:
    """Return calls that quantise a gradient: halves of whole groups, other rows of any width."""
    names = itertools.cycle(("fp8_block", "mxfp8", "nvfp4", "fp8_tensor", "deepgemm"))
    for producer, dtype in itertools.product(ELEMENTWISE[1:], INPUT_DTYPES):
        for interleaved, like in itertools.product(
            (False, True)[: 1 + producer.gated], dict.fromkeys((dtype, "float32"))
        ):
            recipe = RECIPES[next(names)]
            in_halves = producer.gated and not interleaved
            rounding = Intermediate.PRODUCT if like == dtype else Intermediate.FLOAT32
            scale = 0.37 if recipe.rule in {ScaleRule.GIVEN, ScaleRule.GLOBAL} else None
            case = Case(producer, recipe, dtype, rounding, interleaved, like, scale=scale)
            yield replace(case, num_tokens=9, hidden_size=384 if in_halves else 346)


def _of_recipe(recipe: Recipe) -> Iterator[Case]:
    needs_scale = recipe.rule in {ScaleRule.GIVEN, ScaleRule.GLOBAL}
    for dtype in ("bfloat16", "float32"):
        for scale in (0.37, 90.0, 0.0) if needs_scale else (None,):
            yield Case(_SILU, recipe, dtype, hidden_size=330, scale=scale)
    if recipe.rule is ScaleRule.AMAX:
        for bound, least in ((0.003, None), (1e-9, None), (None, 1e-30), (np.inf, 1e10)):
            yield Case(_SILU, recipe, scale_ub=bound, least=least)
    elif recipe.rule is not ScaleRule.GIVEN:
        yield Case(_SILU, recipe, scale=1.0 if needs_scale else None, least=0.01)


def _recipes() -> Iterator[Recipe]:
    sizes = (None, ROW, *GROUP_SIZES)
    for parts in itertools.product(VALUE_FORMATS, sizes, ScaleFormat, ScaleRule):
        try:
            yield Recipe(*parts)
        except ArgumentRefused:
            continue


def every_gate() -> Tensor:
    """Return every number of 16 bits as a gate, and one as up: [512, 512]."""
    patterns = torch.arange(1 << 16, dtype=torch.int32).to(torch.int16)
    gates = torch.cat([patterns.view(dtype).float() for dtype in (torch.float16, torch.bfloat16)])
    gates = gates.reshape(512, 256)
    return torch.cat((gates, torch.ones_like(gates)), dim=1)


def tensors(case: Case, seed: int) -> tuple[Tensor, Tensor | None]:
    """Return a case's input and gradient."""
    width = case.hidden_size * (2 if case.producer.gated else 1)
    draw = torch.Generator().manual_seed(seed)
    source = hard_rows(case.num_tokens, width, getattr(torch, case.dtype), draw)
    if case.every_gate:
        source = every_gate()[:, :width].contiguous()
    if case.gradient is None:
        return source, None
    dtype = getattr(torch, case.gradient)
    gradient = hard_rows(case.num_tokens, case.hidden_size, dtype, draw)
    return source, torch.ones_like(gradient) if case.every_gate else gradient


def encode(case: Case, seed: int, *, looks_up: bool) -> tuple[bytes, bytes]:
    """Return the bytes of a call, and those that the kernel has to write."""
    source, gradient = tensors(case, seed)
    given, factors = source, (b"", b"")
    if case.sums:
        given, of_tokens, of_columns = sums_of(case, seed)
        source = scaled(given, of_tokens, of_columns, getattr(torch, case.dtype))
        factors = (of_tokens.numpy().tobytes(), of_columns.numpy().tobytes())
    beside = beside_of(case, seed)
    values, scales = expected(case, source, gradient, beside)
    value_bytes = _rows(values, UNTOUCHED)
    stored, scale_bytes = None, b""
    if scales is not None:
        stored = layouts.place(scales, case.recipe)
        scale_bytes = _written_scales(case, stored, scales)
    source_bytes = _rows(given, 0)
    gradient_bytes = b"" if gradient is None else _rows(gradient, 0)
    group_size = 0 if case.recipe.by_token else case.recipe.group_size or 0
    shape = (case.num_tokens, case.width, group_size)
    row_bytes = [0 if t is None else _row_bytes(t) for t in (given, gradient, values)]
    sizes = [len(part) for part in (source_bytes, gradient_bytes, value_bytes, scale_bytes)]
    weight_bytes = b"" if beside.weight is None else _rows(beside.weight[None], 0)
    gate_bytes = b"" if beside.gate is None else _rows(beside.gate, 0)
    residual_bytes = b"" if beside.residual is None else _rows(beside.residual, UNTOUCHED)
    sum_bytes = b""
    if beside.residual is not None:
        sum_bytes = _rows(add(source, beside.residual), UNTOUCHED)
    record = struct.pack(
        f"37q{3 + 2 * _PARAMETERS}d",
        *_kinds(case),
        *shape,
        *row_bytes,
        *(_NO_PLACE if stored is None else place(case, stored)),
        *sizes,
        *(case.scale is not None, case.scale_ub is not None, looks_up),
        *(case.recipe.by_token, case.bounds_amax, beside.keeps_sum, _row_bytes(source)),
        *map(len, (weight_bytes, gate_bytes, residual_bytes, *factors)),
        *(case.scale or 0.0, case.scale_ub or 0.0, _least(case)),
        *_four(case.parameters),
        *_four([float(1 / torch.tensor(number)) for number in case.parameters]),
    )
    read = (source_bytes, gradient_bytes, weight_bytes, gate_bytes, residual_bytes, *factors)
    return record + b"".join(read), value_bytes + scale_bytes + sum_bytes


def sums_of(case: Case, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return a case's int32 sums, and the scales of its tokens and columns."""
    width = case.hidden_size * (2 if case.producer.gated else 1)
    draw = torch.Generator().manual_seed(seed + 3)
    return hard_sums(case.num_tokens, width, draw, is_hostile=seed % 2 == 1)


def beside_of(case: Case, seed: int) -> Beside:
    """Return what a producer that reduces has beside its input."""
    tokens, width = case.num_tokens, case.hidden_size
    dtype = getattr(torch, case.dtype)
    draw = torch.Generator().manual_seed(seed + 2)
    return Beside(
        weight=hard_rows(1, width, dtype, draw)[0] if case.weighted else None,
        gate=hard_rows(tokens, width, dtype, draw) if case.producer.takes_gate else None,
        residual=hard_rows(tokens, width, dtype, draw) if case.residual else None,
        keeps_sum=case.residual == 2,
    )


def expected(
    case: Case, source: Tensor, gradient: Tensor | None, beside: Beside
) -> tuple[Tensor, Tensor | None]:
    """Return the reference's values and scales, [num_tokens, num_groups]."""
    if gradient is not None:
        arguments = (gradient, source, case.producer, case.parameters)
        if not case.quantises:
            return backward(*arguments, interleaved=case.interleaved), None
    given = {
        name: None if number is None else torch.tensor([number])
        for name, number in (("scale", case.scale), ("scale_ub", case.scale_ub))
    }
    if case.bounds_amax and given["scale_ub"] is not None:
        facts = VALUE_FORMATS[case.recipe.value]
        given["scale_ub"] = given["scale_ub"] / torch.tensor([facts.maximum])
    shared: dict[str, Any] = {
        "intermediate": case.intermediate,
        "interleaved": case.interleaved,
        "least": case.least,
        **given,
    }
    if gradient is not None:
        return quantise_gradient(*arguments, case.recipe, **shared)
    return compute(source, case.producer, case.parameters, case.recipe, beside=beside, **shared)


def place(case: Case, stored: Tensor) -> tuple[int, ...]:
    """Return where a layout has the scale of a token and group: the fields of ScalePlace."""
    order = ORDERS.get(case.recipe.layout, "kStrided")
    steps = tuple(stride * stored.element_size() for stride in stored.stride())
    groups = case.recipe.groups_in(case.width)
    numbers = place_of(order, steps, case.num_tokens, groups)
    names = ("is_tiled", "token_128", "token_32", "token", "group_4", "group")
    return tuple(numbers[name] for name in names)


def _kinds(case: Case) -> tuple[int, ...]:
    dtype = INPUT_DTYPES.index(case.dtype)
    return (
        PRODUCERS.index(case.producer),
        2 if case.quantises else case.gradient is not None,
        case.interleaved,
        dtype,
        dtype if case.gradient is None else INPUT_DTYPES.index(case.gradient),
        list(Intermediate).index(case.intermediate),
        _FORMATS.index(case.recipe.value),
        list(ScaleRule).index(case.recipe.rule),
        case.recipe.scale_is_byte,
    )


def _least(case: Case) -> float:
    if case.least is not None or case.recipe.rule is not ScaleRule.AMAX:
        return case.least or 0.0
    return VALUE_FORMATS[case.recipe.value].minimum_scale


def _four(given: list[float]) -> list[float]:
    return [*given, *[0.0] * (_PARAMETERS - len(given))]


def _row_bytes(tensor: Tensor) -> int:
    return tensor.shape[1] * tensor.element_size() + _GAP


def _rows(tensor: Tensor, gap: int) -> bytes:
    """Return rows with gaps between them, but none behind the last."""
    rows = tensor.contiguous().view(torch.uint8).numpy()
    apart = np.full((rows.shape[0], rows.shape[1] + _GAP), gap, np.uint8)
    apart[:, : rows.shape[1]] = rows
    return apart.tobytes()[:-_GAP]


def _written_scales(case: Case, stored: Tensor, scales: Tensor) -> bytes:
    """Return a layout's bytes, what is padding untouched: clearing it is not the kernel's work."""
    is_written = layouts.place(every_byte(scales), case.recipe)
    pairs = zip(storage_bytes(stored), storage_bytes(is_written), strict=True)
    return bytes(byte if mask else UNTOUCHED for byte, mask in pairs)
