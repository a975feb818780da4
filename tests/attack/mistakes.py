"""What is made wrong in a good call, and how a tensor is made that is more than its bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from attack.memory import SIZE
from attack.plans import ARGUMENTS, MOST, Plan, Wanted, output_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from torch import Tensor

    from opparity.operators.declaration import Argument

_DTYPES = (
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int8, torch.uint8),
    *(torch.int16, torch.int32, torch.int64, torch.bool, torch.complex64),
    *(torch.float8_e4m3fn, torch.float8_e4m3fnuz, torch.float8_e5m2, torch.float8_e8m0fnu),
    torch.float4_e2m1fn_x2,
)
_FLOATS = (0.0, -0.0, -1.0, 1e-31, 1e31, -1e31, 1e308, float("inf"), -float("inf"), float("nan"))
_INTEGERS = (0, 1, -1, 2, 3, 31, 48, 512, MOST, -MOST - 1, 2**31, 2**32 + 16, 2**63 - 1, -(2**63))
_TEXTS = (
    *("", "none", "fp8", "masked", "product", "fp8_block", "mxfp4", "deepgemm", "\0", "a\0b"),
    *("fp8_block\0", "é" * 9, "%s%n{0}", "x" * 70_000, "float8_e4m3fn/128/float32/amax/", "////"),
)
# Of a type that no schema takes where it stands, or that torch turns into another.
_STRANGE: tuple[Any, ...] = (None, "text", 2**70, [1.5], (), b"x", 1 + 2j, True, 7, -1.5, object())
# The last two are more than any memory holds; what fits in some would be computed for minutes.
_SIZES = (0, 1, 2, 3, 5, 16, 64, 127, 2**50, 2**62)
# Tensors that are more, or less, than strided memory on a CPU.
KINDS: dict[str, Callable[[Tensor], Tensor]] = {
    "meta": lambda tensor: tensor.to("meta"),
    "negated": torch._neg_view,
    "zero": lambda tensor: torch._efficientzerotensor(
        tensor.shape, dtype=tensor.dtype, device="cpu"
    ),
    "sparse": lambda tensor: torch.zeros(tensor.shape, dtype=tensor.dtype).to_sparse(),
    "small storage": lambda tensor: _with_storage(tensor, cut=True),
    "requires grad": lambda tensor: tensor.detach().requires_grad_(),
    "parameter": torch.nn.Parameter,
}
# Kinds whose calls are answered, or refused in the operator's own words.
PLAIN_KINDS = ("", "small storage")


def _with_storage(tensor: Tensor, *, cut: bool) -> Tensor:
    """Return a copy in a storage of its own, which is then made smaller than the tensor."""
    own = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype)
    storage = own.untyped_storage()
    if cut and storage.nbytes():
        storage.resize_(storage.nbytes() // 2 if storage.nbytes() > 1 << 16 else 0)
    return own


def make_mistakes(plan: Plan, random: Random) -> None:
    """Change up to three things of a call."""
    arguments = ARGUMENTS[plan.operator.qualified_name]
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        argument = random.choice(arguments)
        wanted = plan.wanted.get(argument.name)
        if random.random() < 0.06:
            _put_strange(plan, argument, random)
        elif wanted is None:
            _change_value(plan, argument, random)
        else:
            change = random.choice(_CHANGES)
            made = change(plan, argument.name, wanted, random)
            if made is not None:
                plan.wanted[argument.name] = made
                plan.mistakes.append(f"{argument.name}: {change.__name__.strip('_')}")


def _put_strange(plan: Plan, argument: Argument, random: Random) -> None:
    value = random.choice(_STRANGE)
    plan.wanted.pop(argument.name, None)
    plan.values[argument.name] = value
    if value is not None or not argument.type.endswith("?"):
        plan.typed = False
    plan.mistakes.append(f"{argument.name}: {value!r}")


def _change_value(plan: Plan, argument: Argument, random: Random) -> None:
    """Give a number or a text of the schema's type that means nothing, or a tensor too many."""
    kind = argument.type
    value: Any = None
    if kind == "float":
        value = random.choice(_FLOATS)
    elif kind == "int":
        value = random.choice(_INTEGERS)
    elif kind == "str":
        value = random.choice(_TEXTS)
    elif kind == "bool":
        value = not plan.values[argument.name]
    elif kind == "int[]?":
        value = random.choice(([], [1], [-1, -1, -1], [1, 128], [2**63 - 1, -(2**63)]))
    elif kind == "Tensor?":
        size = random.choice(((), (1,), (2,), (0,), (3, 4)))
        dtype = random.choice(_DTYPES)
        # The bytes are drawn: a given scale may be any number, or none.
        plan.wanted[argument.name] = Wanted(size, _steps(size), dtype)
        plan.values.pop(argument.name, None)
        plan.mistakes.append(f"{argument.name}: a tensor")
        return
    plan.values[argument.name] = value
    plan.mistakes.append(f"{argument.name}: {str(value)[:40]!r}")


def _steps(sizes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(torch.empty(sizes, device="meta").stride())


def _other_dtype(_plan: Plan, _name: str, wanted: Wanted, random: Random) -> Wanted:
    return replace(wanted, dtype=random.choice(_DTYPES), numbers=None)


def _other_numbers(_plan: Plan, _name: str, wanted: Wanted, _random: Random) -> Wanted:
    """Fill it with any bytes, whatever it was to say."""
    return replace(wanted, numbers=None)


def _other_size(_plan: Plan, _name: str, wanted: Wanted, random: Random) -> Wanted:
    sizes = list(wanted.sizes)
    if not sizes:
        return replace(wanted, sizes=(2,), strides=(1,), numbers=None)
    place = random.randrange(len(sizes))
    change = (sizes[place] + 1, max(sizes[place] - 1, 0), sizes[place] * 2, random.choice(_SIZES))
    sizes[place] = random.choice(change)
    strides = list(wanted.strides)
    if sizes[place] > 1 << 20:
        strides[place] = 0
    return replace(wanted, sizes=tuple(sizes), strides=tuple(strides), numbers=None)


def _other_dimensions(_plan: Plan, _name: str, wanted: Wanted, random: Random) -> Wanted:
    sizes, strides = wanted.sizes, wanted.strides
    choice = random.randrange(4)
    if choice == 0 or not sizes:
        return replace(wanted, sizes=(*sizes, 1), strides=(*strides, 1))
    if choice == 1:
        return replace(wanted, sizes=(1, *sizes), strides=(1, *strides))
    if choice == 2:
        return replace(wanted, sizes=sizes[1:], strides=strides[1:], numbers=None)
    return replace(wanted, sizes=sizes[::-1], strides=strides[::-1])


def _other_strides(_plan: Plan, _name: str, wanted: Wanted, random: Random) -> Wanted | None:
    if not wanted.sizes:
        return None
    strides = list(wanted.strides)
    place = random.randrange(len(strides))
    strides[place] = random.choice((0, 1, 2, strides[place] + 1, max(strides[place] - 1, 0)))
    return replace(wanted, strides=tuple(strides), numbers=None)


def _shared(plan: Plan, name: str, wanted: Wanted, random: Random) -> Wanted | None:
    """Lay it beside another tensor, or over it."""
    others = [other for other in plan.wanted if other != name and not plan.wanted[other].shares]
    if not others:
        return None
    distance = random.choice((0, 0, 1, 4, 16, 100, 384, 4096))
    return replace(wanted, shares=random.choice(others), distance=distance)


def _other_place(_plan: Plan, _name: str, wanted: Wanted, random: Random) -> Wanted:
    """Put its first byte where no number of its dtype is meant to be."""
    begin = random.choice((0, SIZE // 2))
    return replace(wanted, at_end=False, begin=begin, shift=random.choice((1, 2)))


def _other_kind(plan: Plan, name: str, wanted: Wanted, random: Random) -> Wanted | None:
    kind = random.choice(list(KINDS))
    if kind == "negated" and _is_output(plan, name):
        # torch negates the memory before it calls, and leaves it so where the call is refused.
        return None
    if kind not in PLAIN_KINDS:
        plan.typed = False
    return replace(wanted, kind=kind)


def _is_output(plan: Plan, name: str) -> bool:
    return name in output_names(plan.operator.qualified_name)


def _left_out(plan: Plan, name: str, _wanted: Wanted, _random: Random) -> None:
    del plan.wanted[name]
    plan.values[name] = None
    optional = {a.name: a.type.endswith("?") for a in ARGUMENTS[plan.operator.qualified_name]}
    plan.typed = plan.typed and optional[name]
    plan.mistakes.append(f"{name}: None")


_CHANGES: tuple[Callable[[Plan, str, Wanted, Random], Wanted | None], ...] = (
    _other_dtype,
    _other_numbers,
    _other_size,
    _other_size,
    _other_dimensions,
    _other_strides,
    _other_strides,
    _shared,
    _other_place,
    _other_kind,
    _left_out,
)
