"""`opparity verify`: do the implementations on this machine give the golden bits?"""

from __future__ import annotations

import hashlib
import json
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch

import opparity
from opparity.operators import OPERATORS, torch_build
from opparity.operators.case_calls import call
from opparity.operators.cases import cases
from opparity.operators.selection import Refused, decisions, providers
from opparity.platforms import PLATFORMS, Platform
from opparity.random_calls.comparison import REFERENCE, compare
from opparity.threads import limited_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from opparity.operators.case import Case
    from opparity.operators.declaration import Operator
    from opparity.random_calls.comparison import Wanted

GOLDEN = Path(__file__).parent / "operators" / "golden.json"
Digests = dict[str, str]


@dataclass(frozen=True, slots=True)
class Result:
    """What one implementation of an operator gave for the golden cases on one device.

    Attributes:
        operator: its qualified name; "every operator" where the implementation is refused.
        cases: how many were compared.
        values: how many values these had.
        mismatched_values: values that differ from the reference's, by their bits.
        mismatched_scales: scales that differ from the reference's, by their bits.
        status: "equal", "different" or "refused".
        reason: why it was refused, or which case differs first.
    """

    operator: str
    provider: str
    platform: str
    device: str
    cases: int
    values: int
    mismatched_values: int
    mismatched_scales: int
    status: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class GroupResult:
    """What one implementation gave for a group's random calls on one device.

    Attributes:
        group: its name; "every group" where the implementation is refused.
        calls: how many were compared with the reference on the same device.
        values: how many numbers these computed.
        mismatched: numbers, scales and bytes beside them that differ.
        status: "equal", "different" or "refused".
        reason: why it was refused, or what differs first.
        repeat: the command that runs the first call that differs, and no other.
    """

    group: str
    provider: str
    platform: str
    device: str
    calls: int
    values: int
    mismatched: int
    status: str
    reason: str | None
    repeat: str | None


@dataclass(frozen=True, slots=True)
class Verification:
    """All results.

    Attributes:
        results: of the golden cases; none where groups of random calls were asked for by name.
        seed: of the random calls; None where none were asked for.
        groups: of the random calls.
    """

    results: tuple[Result, ...]
    seed: int | None = None
    groups: tuple[GroupResult, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether nothing differs, and something was compared of each kind that was asked for."""
        kinds = [{row.status for row in rows} for rows in (self.results, self.groups) if rows]
        return bool(kinds) and all("different" not in k and "equal" in k for k in kinds)

    def to_json(self) -> str:
        """Return the results as JSON, `"schema_version": 2`."""
        return json.dumps(
            {
                "schema_version": 2,
                "opparity": opparity.__version__,
                "torch": torch.__version__,
                **asdict(self),
            },
            indent=2,
        )


def digest(tensor: Tensor) -> str:
    """Return the SHA-256 of a tensor's bytes, in logical order whatever its strides."""
    data = (
        tensor.flatten()
        .clone(memory_format=torch.contiguous_format)
        .view(torch.uint8)
        .cpu()
        .numpy()
        .tobytes()
    )
    return hashlib.sha256(data).hexdigest()


def digests(*tensors: Tensor) -> Digests:
    """Return what golden.json has for a case: of values and scales, and of the sum if any."""
    return dict(zip(_names(tensors), map(digest, tensors), strict=True))


def _names(tensors: tuple[Tensor, ...]) -> tuple[str, ...]:
    """Return what each tensor of a case is called, by how many there are."""
    of_a_norm = ("values", "scales", "sum")
    if len(tensors) > len(of_a_norm):
        return ("values", "scales", "column_values", "column_scales")
    return of_a_norm[: len(tensors)]


def verify(
    progress: Callable[[str], None],
    *,
    wanted: Wanted | None = None,
    device_type: str | None = None,
    golden: bool = True,
) -> Verification:
    """Run every available implementation on the golden cases and on random calls.

    Args:
        progress: told what is being run.
        wanted: which random calls; None for none.
        device_type: "cpu" or "cuda"; None for both.
        golden: whether the golden cases are run.
    """
    return Verification(
        tuple(_results(progress, device_type)) if golden else (),
        None if wanted is None else wanted.seed,
        () if wanted is None else tuple(_group_results(wanted, progress, device_type)),
    )


def _served(device_type: str | None) -> Iterator[tuple[Platform, str, str | None]]:
    """Yield each platform with each of its providers, and why this one cannot serve, or None."""
    for platform in Platform:
        if device_type not in (None, PLATFORMS[platform].device_type):
            continue
        for decision in decisions(platform):
            if platform not in decision.implementation.platforms:
                continue
            reason = (
                decision.reason
                if isinstance(decision, Refused)
                else torch_build.no_device(platform)
            )
            yield platform, decision.implementation.provider, reason


def _results(progress: Callable[[str], None], device_type: str | None) -> Iterator[Result]:
    for platform, provider, reason in _served(device_type):
        if reason is not None:
            every = ("every operator", provider, platform, "none")
            yield Result(*every, 0, 0, 0, 0, "refused", reason)
            continue
        progress(f"{provider} on {platform}")
        alone = limited_threads(1) if provider == REFERENCE else nullcontext()
        with providers(force=provider), alone:
            for operator in OPERATORS:
                yield _compare(operator, provider, platform)


def _group_results(
    wanted: Wanted, progress: Callable[[str], None], device_type: str | None
) -> Iterator[GroupResult]:
    """Yield each implementation's groups but the reference's, which others are compared with."""
    for platform, provider, reason in _served(device_type):
        if provider == REFERENCE:
            continue
        if reason is not None:
            every = ("every group", provider, platform, "none")
            yield GroupResult(*every, 0, 0, 0, "refused", reason, None)
            continue
        device = torch.device(PLATFORMS[platform].device_type)
        for group in wanted.groups:
            progress(f"{provider} on {platform}: random calls of {group.name}")
            found = compare(group, provider, wanted, device)
            yield GroupResult(
                group=group.name,
                provider=provider,
                platform=platform,
                device=_device_name(device),
                calls=found.calls,
                values=found.values,
                mismatched=found.mismatched,
                status="equal" if found.reason is None else "different",
                reason=found.reason,
                repeat=found.repeat,
            )


def _compare(operator: Operator, provider: str, platform: Platform) -> Result:
    device = torch.device(PLATFORMS[platform].device_type)
    compared = values = wrong_values = wrong_scales = 0
    first: str | None = None
    for case, expected in _expectations(operator):
        got = call(case, operator, device)
        compared += 1
        values += case.num_tokens * case.hidden_size
        if digests(*got) == expected:
            continue
        first = first or f"{case.name} differs"
        # The digests differ: count where, against the reference.
        right = _by_reference(case, operator)
        if digests(*right) != expected:
            first = f"{case.name} differs, and so does the reference that the counts compare with"
        counts = dict(zip(_names(got), map(_count, got, right), strict=True))
        in_scales = sum(count for name, count in counts.items() if name.endswith("scales"))
        wrong_scales += in_scales
        # A sum counts as values.
        wrong_values += sum(counts.values()) - in_scales
    return Result(
        operator=operator.qualified_name,
        provider=provider,
        platform=platform,
        device=_device_name(device),
        cases=compared,
        values=values,
        mismatched_values=wrong_values,
        mismatched_scales=wrong_scales,
        status="equal" if first is None else "different",
        reason=first,
    )


def _expectations(operator: Operator) -> Iterator[tuple[Case, Digests]]:
    name = operator.qualified_name
    golden = _golden()[name]
    for case in cases():
        if case.operator == name:
            yield case, golden[case.name]


@cache
def _golden() -> dict[str, dict[str, Digests]]:
    found: dict[str, dict[str, Digests]] = json.loads(GOLDEN.read_text("utf-8"))
    return found


def _by_reference(case: Case, operator: Operator) -> tuple[Tensor, ...]:
    with providers(force=REFERENCE), limited_threads(1):
        return call(case, operator, torch.device("cpu"))


def _count(got: Tensor, right: Tensor) -> int:
    """Return how many elements differ in any of their bytes."""
    size = got.element_size()
    left, other = (
        x.cpu().flatten().clone(memory_format=torch.contiguous_format).view(torch.uint8)
        for x in (got, right)
    )
    return int((left != other).reshape(-1, size).any(dim=1).sum())


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu ({torch.get_num_threads()} threads)"
