"""Many calls in a row, and what came of them."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import opparity
from attack.judge import Attack
from attack.plans import BY_NAME
from opparity.operators import OPERATORS
from opparity.operators.selection import select
from opparity.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from attack.plans import Plan

NATIVE = "native"
# Of findings that are kept in words; all are counted.
_KEPT = 20
_OUTCOMES = ("answered", "refused", "turned away", "no such tensor")


@dataclass(slots=True)
class Result:
    """What came of calls.

    Attributes:
        outcomes: how many were answered, refused or turned away, were not made since torch makes no
            such tensor, and how many were compared.
        answered: by operator.
        refused: by operator.
        findings: calls of which something does not hold, with how to make them again.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def add(self, other: Result) -> None:
        """Take in what came of other calls."""
        self.outcomes += other.outcomes
        self.answered += other.answered
        self.refused += other.refused
        self.findings = (self.findings + other.findings)[:_KEPT]

    def __str__(self) -> str:
        counts = self.outcomes
        parts = [f"{counts[name]:,} {name}" for name in _OUTCOMES]
        return (
            f"{counts['calls']:,} calls: {', '.join(parts)}; {counts['compared']:,} compared with "
            f"the reference; {counts['wrong']:,} wrong"
        )


def run(
    seed: int,
    first: int,
    count: int,
    share_compared: float,
    before: Callable[[int], None] = lambda _number: None,
    found: Callable[[str], object] = lambda _finding: None,
) -> Result:
    """Make calls `first` to `first + count` of a seed by the native library.

    Args:
        seed: of every draw.
        first: the number of the first call.
        count: how many calls.
        share_compared: of how many calls the reference is asked as well.
        before: is told each call's number before it is made.
        found: is told each finding at once.

    Raises:
        OperatorMissing: where the native library cannot serve.
    """
    attack, result = Attack(seed, share_compared), Result()
    with by_native():
        for number in range(first, first + count):
            before(number)
            _add_call(result, attack, number, found)
    return result


@contextmanager
def by_native() -> Iterator[None]:
    """Have the native library serve, whatever the environment says.

    Raises:
        CapabilityUnknown: for what OPPARITY_CPU_CAPABILITY says.
        OperatorMissing: where it cannot serve.
    """
    opparity.load()
    if _provider() == NATIVE:
        # Without a block calls go to it directly.
        yield
        return
    with opparity.providers(force=NATIVE):
        _provider()
        yield


def _provider() -> str:
    return select(OPERATORS[0].name, Platform.CPU).provider


def _add_call(result: Result, attack: Attack, number: int, found: Callable[[str], object]) -> None:
    verdict = attack.run(number)
    result.outcomes["calls"] += 1
    result.outcomes[verdict.outcome] += 1
    result.outcomes["compared"] += verdict.compared
    if verdict.outcome == "answered":
        result.answered[verdict.operator] += 1
    elif verdict.outcome == "refused":
        result.refused[verdict.operator] += 1
    if verdict.wrong:
        result.outcomes["wrong"] += 1
        finding = describe(attack.plan(number), attack.seed, number, verdict.wrong)
        found(finding)
        result.findings = [*result.findings, finding][:_KEPT]


def describe(plan: Plan, seed: int, number: int, wrong: str) -> str:
    """Return a finding in a few lines: what is wrong, the call, and how to make it again."""
    name = plan.operator.qualified_name
    lines = [f"{name}: {wrong}", f"  again: make attack SEED={seed} CALL={number}"]
    if plan.mistakes:
        lines.append(f"  made wrong: {'; '.join(plan.mistakes)}")
    for argument, wanted in plan.wanted.items():
        more = "".join(
            f", {what}"
            for what in (
                wanted.kind,
                f"holds {wanted.numbers}" if wanted.numbers else "",
                f"{wanted.distance} bytes behind {wanted.shares}" if wanted.shares else "",
                f"off its address by {wanted.shift}" if wanted.shift else "",
            )
            if what
        )
        dtype = str(wanted.dtype).removeprefix("torch.")
        lines.append(f"  {argument}: {dtype} {list(wanted.sizes)} by {list(wanted.strides)}{more}")
    values = ", ".join(f"{key}={str(value)[:60]!r}" for key, value in plan.values.items())
    return "\n".join([*lines, f"  {values}"])


def without(seen: Counter[str]) -> list[str]:
    """Return the operators of the table that are not among those seen."""
    return [name for name in BY_NAME if not seen[name]]
