"""Many calls in a row, and what came of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import opparity
from attack.judge import Attack
from attack.plans import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from attack.plans import Plan

# Of findings that are kept in words; all are counted.
_KEPT = 20


@dataclass(slots=True)
class Result:
    """What came of calls.

    Attributes:
        outcomes: how many were answered, refused or turned away, and how many were compared.
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
        parts = [f"{counts[name]:,} {name}" for name in ("answered", "refused", "turned away")]
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
) -> Result:
    """Make calls `first` to `first + count` of a seed.

    Args:
        seed: of every draw.
        first: the number of the first call.
        count: how many calls.
        share_compared: of how many calls the reference is asked as well.
        before: is told each call's number before it is made.
    """
    opparity.load()
    attack, result = Attack(seed, share_compared), Result()
    for number in range(first, first + count):
        before(number)
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
            result.findings.append(describe(attack.plan(number), seed, number, verdict.wrong))
            del result.findings[_KEPT:]
    return result


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
