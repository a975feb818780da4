"""`opparity verify`: do the implementations on this machine give the golden bits?"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch

import opparity
from opparity.operators import OPERATORS, torch_build
from opparity.operators.case_calls import call
from opparity.operators.cases import cases, random_cases
from opparity.operators.selection import Refused, decisions, providers
from opparity.platforms import PLATFORMS, Platform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from opparity.operators.case import Case
    from opparity.operators.declaration import Operator

# Random input beyond the golden cases comes in calls of this many values.
_RANDOM_TOKENS, _RANDOM_WIDTH = 64, 8192
GOLDEN = Path(__file__).parent / "operators" / "golden.json"
Digests = dict[str, str]


@dataclass(frozen=True, slots=True)
class Result:
    """What one implementation of an operator gave on one device.

    Attributes:
        operator: its qualified name; "every operator" where the implementation is refused.
        cases: golden cases and random calls that were compared.
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
class Verification:
    """All results."""

    results: tuple[Result, ...]

    @property
    def equal(self) -> bool:
        """Whether nothing differs, and something was compared."""
        statuses = {result.status for result in self.results}
        return "different" not in statuses and "equal" in statuses

    def to_json(self) -> str:
        """Return the results as JSON, `"schema_version": 1`."""
        return json.dumps(
            {
                "schema_version": 1,
                "opparity": opparity.__version__,
                "torch": torch.__version__,
                "results": [asdict(result) for result in self.results],
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


def verify(random_values: int, progress: Callable[[str], None]) -> Verification:
    """Run every available implementation on the golden cases and on random input.

    Args:
        random_values: at least so many values of further random input are compared, for each
            implementation, with the reference on the CPU; the operators share them.
        progress: told what is being run.
    """
    return Verification(tuple(_results(random_values, progress)))


def _results(random_values: int, progress: Callable[[str], None]) -> Iterator[Result]:
    for platform in Platform:
        for decision in decisions(platform):
            provider = decision.implementation.provider
            if platform not in decision.implementation.platforms:
                continue
            reason = (
                decision.reason
                if isinstance(decision, Refused)
                else torch_build.no_device(platform)
            )
            if reason is not None:
                yield Result(
                    "every operator", provider, platform, "none", 0, 0, 0, 0, "refused", reason
                )
                continue
            progress(f"{provider} on {platform}")
            with providers(force=provider):
                for operator in OPERATORS:
                    yield _compare(operator, provider, platform, random_values)


def _compare(operator: Operator, provider: str, platform: Platform, random_values: int) -> Result:
    device = torch.device(PLATFORMS[platform].device_type)
    compared = values = wrong_values = wrong_scales = 0
    first: str | None = None
    for case, expected in _expectations(operator, random_values):
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


def _expectations(operator: Operator, random_values: int) -> Iterator[tuple[Case, Digests]]:
    name = operator.qualified_name
    golden = _golden()[name]
    for case in cases():
        if case.operator == name:
            yield case, golden[case.name]
    count = -(-random_values // (_RANDOM_TOKENS * _RANDOM_WIDTH))
    for case in random_cases(count, _RANDOM_TOKENS, _RANDOM_WIDTH):
        if case.operator == name:
            yield case, _reference_digests(case)


@cache
def _golden() -> dict[str, dict[str, Digests]]:
    found: dict[str, dict[str, Digests]] = json.loads(GOLDEN.read_text("utf-8"))
    return found


@cache
def _reference_digests(case: Case) -> Digests:
    operator = next(row for row in OPERATORS if row.qualified_name == case.operator)
    return digests(*_by_reference(case, operator))


def _by_reference(case: Case, operator: Operator) -> tuple[Tensor, ...]:
    with providers(force="reference"):
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
