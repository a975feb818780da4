"""One call of an attack: made in arenas, run, and judged by what has to hold of any call."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from attack.memory import BAND, SIZE, Arena, Placed, Poisoned, place, span_of, watch
from attack.mistakes import KINDS, make_mistakes
from attack.plans import BY_NAME, HAS_EXPERTS, Plan, Wanted, draw, output_names
from opparity.operators import OPERATORS
from opparity.operators.gradients import overload_of
from opparity.operators.reference.kernel import kernel

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.operators.declaration import Operator

# What an error of torch's own says where a check of ours is missing.
INTERNAL = re.compile(r"INTERNAL ASSERT|API call failed|torch/csrc/|\.cpp:\d|std::|basic_string")
_POOL = 4 << 20
_SHARE_OF_MISTAKES = 0.5


@dataclass(slots=True)
class Verdict:
    """What came of a call.

    Attributes:
        outcome: "answered", "refused" in the operator's words, or "turned away" by torch.
        compared: whether the reference was asked as well.
        wrong: what does not hold; empty for nothing.
    """

    operator: str
    outcome: str
    compared: bool = False
    wrong: str = ""


@dataclass(slots=True)
class Ready:
    """A call whose tensors are made."""

    plan: Plan
    arguments: dict[str, Any] = field(default_factory=dict)
    placed: dict[str, Placed] = field(default_factory=dict)

    @property
    def written(self) -> list[Placed]:
        """The tensors that the operator may write to."""
        names = output_names(self.plan.operator.qualified_name)
        return [placed for name, placed in self.placed.items() if name in names]


class Attack:
    """Makes calls by their numbers; the same seed and number make the same call."""

    def __init__(self, seed: int, share_compared: float) -> None:
        self.seed, self._share = seed, share_compared
        self._arenas = [Arena() for _ in range(16)]
        generator = torch.Generator().manual_seed(seed)
        self._bytes = torch.randint(0, 256, (_POOL,), dtype=torch.uint8, generator=generator)
        normal = torch.randn(_POOL // 4, generator=generator) * 3
        # Numbers as in a model, for each dtype.
        self._usual = {
            dtype: normal.to(dtype).view(torch.uint8)
            for dtype in (torch.float16, torch.bfloat16, torch.float32)
        }

    def random(self, number: int) -> Random:
        """Return what decides everything about a call."""
        return Random(self.seed << 40 | number)  # noqa: S311 -- not for secrets

    def plan(self, number: int) -> Plan:
        """Return a call before its memory is made: each operator in turn."""
        random = self.random(number)
        plan = draw(OPERATORS[number % len(OPERATORS)], random)
        if random.random() < _SHARE_OF_MISTAKES:
            make_mistakes(plan, random)
        return plan

    def run(self, number: int) -> Verdict:
        """Make a call and judge it."""
        random = self.random(~number & 0xFFFFFFFFFF)
        plan = self.plan(number)
        ready = self._make(plan, random)
        if ready is None:
            return Verdict(plan.operator.qualified_name, "no such tensor")
        return judge(ready, compare=random.random() < self._share)

    def _make(self, plan: Plan, random: Random) -> Ready | None:
        """Make the tensors; None where torch makes no such tensor."""
        ready = Ready(plan, dict(plan.values))
        arenas = iter(self._arenas)
        order = sorted(plan.wanted, key=lambda name: plan.wanted[name].shares != "")
        for name in order:
            wanted = plan.wanted[name]
            other = ready.placed.get(wanted.shares)
            arena = next(arenas) if other is None else other.arena
            placed = self._place(wanted, arena, other, random)
            if placed is None:
                return None
            ready.placed[name] = placed
        for name in order:
            self._fill(plan.wanted[name], ready.placed[name], random)
        for name in order:
            ready.arguments[name] = _of_kind(plan, name, ready.placed[name])
        return ready

    def _place(
        self, wanted: Wanted, arena: Arena, other: Placed | None, random: Random
    ) -> Placed | None:
        sizes, strides = wanted.sizes, wanted.strides
        span = span_of(sizes, strides, wanted.dtype.itemsize)
        if span > SIZE - 4 * BAND:
            return None
        begin = wanted.begin
        if other is not None:
            begin = other.begin + wanted.distance
        elif wanted.at_end:
            begin = SIZE if random.random() < 0.6 else random.choice((0, 8, 500, 4000))
        try:
            return place(arena, sizes, strides, wanted.dtype, begin, wanted.shift)
        except (RuntimeError, TypeError):
            # More elements than torch can count.
            return None

    def _fill(self, wanted: Wanted, placed: Placed, random: Random) -> None:
        """Fill a tensor and what is around it."""
        begin, end = max(placed.begin - BAND, 0), min(placed.end + BAND, SIZE)
        source = self._bytes
        if random.random() < 0.5:
            source = self._usual.get(wanted.dtype, source)
        start = random.randrange(source.numel() - (end - begin)) // 4 * 4
        # A number of the pool begins where the tensor's first does.
        start = max(start - start % 4 + (begin - placed.begin) % 4, 0)
        placed.arena.bytes[begin:end] = source[start : start + end - begin]
        if wanted.numbers is not None and placed.tensor.numel():
            numbers = torch.tensor(wanted.numbers, dtype=wanted.dtype)
            placed.tensor.copy_(numbers.reshape(wanted.sizes))


def _of_kind(plan: Plan, name: str, placed: Placed) -> object:
    """Return a tensor, or what it is to be instead."""
    kind = plan.wanted[name].kind
    if not kind:
        return placed.tensor
    try:
        return KINDS[kind](placed.tensor)
    except (RuntimeError, ValueError, TypeError):
        # torch has no such tensor of this dtype.
        plan.typed = False
        return None


def judge(ready: Ready, *, compare: bool) -> Verdict:
    """Run a call and look at everything that it may have done."""
    plan = ready.plan
    verdict = Verdict(plan.operator.qualified_name, "answered")
    placed = list(ready.placed.values())
    watched = watch(placed, ready.written)
    found: object = None
    error: Exception | None = None
    try:
        with Poisoned(watched, placed):
            found = overload_of(plan.operator)(**ready.arguments)
    except Exception as caught:  # noqa: BLE001 -- whatever it is, it is judged
        error = caught
        verdict.outcome = "refused" if _is_own(plan.operator, caught) else "turned away"
        verdict.wrong = _objection_to_error(plan, caught)
    has_padding = False
    for one in watched:
        foreign = one.foreign_write(answered=error is None)
        if foreign is None:
            continue
        if error is None and one.is_within(foreign):
            # Between its elements: some of vLLM's operators clear what pads a column, as the
            # reference then does.
            has_padding = True
        else:
            verdict.wrong = f"wrote to byte {foreign} of an arena, which is not its to write"
    if (has_padding or (compare and plan.typed)) and not verdict.wrong:
        verdict.compared = True
        after = [one.now.clone() for one in watched]
        for one in watched:
            one.restore()
        verdict.wrong = _differs(ready, found, error, lambda: [one.now for one in watched], after)
    return verdict


def _is_own(operator: Operator, error: Exception) -> bool:
    text = str(error)
    return text.startswith(f"{operator.name}: ") and "; allowed: " in text


def _objection_to_error(plan: Plan, error: Exception) -> str:
    """Return what is wrong with an error, or nothing."""
    shown = f"{type(error).__name__}: {str(error)[:300]}"
    if not isinstance(error, RuntimeError | TypeError | ValueError):
        return f"raised {shown}"
    is_torchs = isinstance(error, NotImplementedError) or "can't allocate memory" in str(error)
    if is_torchs and not plan.typed:
        # Nobody has kernels for such a tensor, or torch makes another of it before it calls.
        return ""
    if INTERNAL.search(str(error)) or not str(error).strip():
        return f"raised words of a compiler's: {shown}"
    if plan.typed and not _is_own(plan.operator, error):
        return f"raised what is no refusal of the operator's: {shown}"
    return ""


@cache
def _reference(name: str) -> Callable[..., object]:
    return kernel(BY_NAME[name])


def _differs(
    ready: Ready,
    found: object,
    error: Exception | None,
    now: Callable[[], list[Tensor]],
    after: list[Tensor],
) -> str:
    """Return how the reference's answer to the same call differs, or nothing."""
    try:
        expected = _reference(ready.plan.operator.qualified_name)(**ready.arguments)
    except RuntimeError as refusal:
        if error is None:
            return f"answered what the reference refuses: {refusal}"
        if str(refusal) != str(error) and "torch cannot allocate" not in str(error):
            return f"refused with {str(error)!r}, and the reference with {str(refusal)!r}"
        return ""
    if error is not None:
        return f"refused what the reference answers: {error}"
    if any(not torch.equal(mine, other) for mine, other in zip(after, now(), strict=True)):
        return "wrote other bytes than the reference"
    return _other_results(ready, _listed(found), _listed(expected))


def _other_results(ready: Ready, found: list[Tensor], expected: list[Tensor]) -> str:
    operator = ready.plan.operator
    of_experts = operator.qualified_name in HAS_EXPERTS and not operator.mutates
    masks = _masks(ready, found) if of_experts else None
    for place_, (one, other) in enumerate(zip(found, expected, strict=True)):
        if (one.shape, one.dtype, one.stride()) != (other.shape, other.dtype, other.stride()):
            shown = [f"{t.dtype} {list(t.shape)} by {list(t.stride())}" for t in (one, other)]
            return f"result {place_} is {shown[0]}, the reference's {shown[1]}"
        different = _bytes(one) != _bytes(other)
        if masks is not None:
            different &= masks[place_]
        if different.any():
            return f"result {place_} differs from the reference's in {int(different.sum())} bytes"
    return ""


def _masks(ready: Ready, results: list[Tensor]) -> list[Tensor]:
    """Return which bytes of its results an operator of experts' rows says anything of.

    They are those that the reference writes whatever was there before.
    """
    written = []
    for poison in (0x55, 0xAA):
        outs = []
        for result in results:
            out = torch.empty_strided(result.shape, result.stride(), dtype=result.dtype)
            storage = torch.empty(0, dtype=torch.uint8).set_(out.untyped_storage())
            storage.fill_(poison)
            outs.append(out)
        names = {"values": outs[0], "scales": outs[1]}
        _reference(f"{ready.plan.operator.name}.out")(**ready.arguments, **names)
        written.append([_bytes(out) for out in outs])
    return [one == other for one, other in zip(*written, strict=True)]


def _listed(found: object) -> list[Tensor]:
    if found is None:
        return []
    return [found] if isinstance(found, Tensor) else list(found)  # type: ignore[call-overload]


def _bytes(tensor: Tensor) -> Tensor:
    flat = tensor.detach().clone(memory_format=torch.contiguous_format).flatten()
    return flat.view(torch.uint8)
