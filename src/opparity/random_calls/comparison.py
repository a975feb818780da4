"""An implementation's random calls against the reference's, group by group."""

from __future__ import annotations

import os
import shlex
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import torch

from opparity.errors import VerificationRefused
from opparity.random_calls.draw import Draw
from opparity.random_calls.memory import differing
from opparity.random_calls.table import GROUPS
from opparity.threads import limited_threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opparity.random_calls.group import Call, Group

REFERENCE = "reference"
# What chooses the kernels that a call runs.
_ENVIRONMENT = ("OPPARITY_CPU_CAPABILITY", "OPPARITY_OVERLAP")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which random calls are asked for.

    Attributes:
        values: at least so many numbers of each group, and each of its operators once.
        groups: which groups.
        seed: of all calls.
        call: the number of the only call of each group; None for as many as there have to be.
    """

    values: int
    groups: tuple[Group, ...] = GROUPS
    seed: int = 0
    call: int | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What an implementation gave for a group's calls.

    Attributes:
        calls: how many were compared.
        values: how many numbers these computed.
        mismatched: numbers, scales and bytes beside them that differ from the reference's.
        reason: what the first call that differs is called with, and what differs; or None.
        repeat: the command that runs this call alone, or None.
    """

    calls: int
    values: int
    mismatched: int
    reason: str | None = None
    repeat: str | None = None


def groups_named(names: Sequence[str]) -> tuple[Group, ...]:
    """Return groups by their names, all of them for none.

    Raises:
        VerificationRefused: for a name that no group has.
    """
    known = {group.name: group for group in GROUPS}
    for name in names:
        if name not in known:
            raise VerificationRefused(
                detail=f"--group {name} is no group of random calls; allowed: {', '.join(known)}",
                remedy="name one of these, or leave it out for all",
            )
    return tuple(group for group in GROUPS if not names or group.name in names)


def compare(group: Group, provider: str, wanted: Wanted, device: torch.device) -> Comparison:
    """Return how a provider's calls of one group compare; the first that fails is the last."""
    calls = values = mismatched = 0
    reason = repeat = None
    for number in count() if wanted.call is None else (wanted.call,):
        if wanted.call is None and values >= wanted.values and calls >= group.turns:
            break
        try:
            call = group.draw(Draw(wanted.seed, group.name, number, device))
        except RuntimeError as error:
            # After a kernel's fault a GPU makes no tensor any more in this process.
            reason = reason or f"call {number} cannot be drawn: {error}"
            break
        wrong, words = _compare_call(call, provider, device)
        if words is not None and reason is None:
            reason = f"call {number}: {words}, in {call.words}"
            repeat = _command(group, wanted.seed, number, device)
        calls += 1
        values += call.values
        mismatched += wrong
        if words is not None and not wrong:
            break
    return Comparison(calls, values, mismatched, reason, repeat)


def _compare_call(call: Call, provider: str, device: torch.device) -> tuple[int, str | None]:
    """Return how many numbers differ, and which do; none differ where a call fails."""
    found = []
    for name in (provider, REFERENCE):
        try:
            with limited_threads(1) if name == REFERENCE else nullcontext():
                found.append(call.run(name))
            if device.type == "cuda":
                # A kernel's fault shows here, and not in what comes after it.
                torch.cuda.synchronize(device)
        except RuntimeError as error:
            return 0, f"{name} fails: {error}"
    got, right = found
    if got.keys() != right.keys():
        return 0, f"{provider} gives {', '.join(got)}; {REFERENCE} {', '.join(right)}"
    counts = {name: differing(got[name], right[name]) for name in right}
    wrong = sum(counts.values())
    if not wrong:
        return 0, None
    listed = [f"{n} of {right[name].numel()} in {name}" for name, n in counts.items() if n]
    return wrong, f"{', '.join(listed)} differ"


def _command(group: Group, seed: int, number: int, device: torch.device) -> str:
    named = [name for name in _ENVIRONMENT if name in os.environ]
    settings = "".join(f"{name}={shlex.quote(os.environ[name])} " for name in named)
    return (
        f"{settings}opparity verify --device {device.type} --group {group.name} --seed {seed} "
        f"--call {number}"
    )
