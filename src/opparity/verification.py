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
from opparity.operators.selection import Refused, decisions, providers, resolve
from opparity.operators.silu_and_mul_per_block_quant.cases import Case, Filling
from opparity.platforms import PLATFORMS, Platform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from opparity.operators.declaration import Operator

# Random input beyond the golden cases comes in calls of this many values.
_RANDOM_TOKENS, _RANDOM_WIDTH = 512, 8192


@dataclass(frozen=True, slots=True)
class Result:
    """What one implementation gave on one device.

    Attributes:
        cases: golden cases and random calls that were compared.
        values: how many codes these had.
        mismatched_values: codes that differ from the reference's.
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
    data = tensor.flatten().contiguous().view(torch.uint8).cpu().numpy().tobytes()
    return hashlib.sha256(data).hexdigest()


def run(case: Case, device: torch.device) -> tuple[Tensor, Tensor]:
    """Call the operator on a case's input; return values and scales [num_tokens, num_groups]."""
    return _call(case, case.make_input().to(device))


def golden_path(operator: Operator) -> Path:
    """Return the file of an operator's golden digests, {case: {"values", "scales"}}."""
    return Path(__file__).parent / "operators" / operator.name / "golden.json"


def verify(random_values: int, progress: Callable[[str], None]) -> Verification:
    """Run every available implementation on the golden cases and on random input.

    Args:
        random_values: at least so many codes of further random input are compared, for each
            implementation, with the reference on the CPU.
        progress: told what is being run.
    """
    return Verification(tuple(_results(random_values, progress)))


def _results(random_values: int, progress: Callable[[str], None]) -> Iterator[Result]:
    for operator in OPERATORS:
        for platform in Platform:
            for decision in decisions(operator, platform):
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
                        operator.name, provider, platform, "none", 0, 0, 0, 0, "refused", reason
                    )
                    continue
                progress(f"{operator.name}: {provider} on {platform}")
                with providers(force=provider):
                    yield _compare(operator, provider, platform, random_values)


def _compare(operator: Operator, provider: str, platform: Platform, random_values: int) -> Result:
    device = torch.device(PLATFORMS[platform].device_type)
    golden: dict[str, dict[str, str]] = json.loads(golden_path(operator).read_text("utf-8"))
    compared = values = wrong_values = wrong_scales = 0
    first: str | None = None
    for case, expected in _expectations(operator, golden, random_values):
        got_values, got_scales = run(case, device)
        compared += 1
        values += got_values.numel()
        got = {"values": digest(got_values), "scales": digest(got_scales)}
        if got == expected:
            continue
        first = first or f"{case.name} differs"
        # The digests differ: count where, against the reference.
        with providers(force="reference"):
            right_values, right_scales = run(case, torch.device("cpu"))
        if {"values": digest(right_values), "scales": digest(right_scales)} != expected:
            first = f"{case.name} differs, and so does the reference that the counts compare with"
        wrong_values += _count(got_values, right_values)
        wrong_scales += _count(got_scales, right_scales)
    return Result(
        operator=operator.name,
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


def _expectations(
    operator: Operator, golden: dict[str, dict[str, str]], random_values: int
) -> Iterator[tuple[Case, dict[str, str]]]:
    listed = resolve(operator.cases)()
    assert isinstance(listed, list)
    for case in listed:
        yield case, golden[case.name]
    for seed in range(1, 1 + -(-random_values // (_RANDOM_TOKENS * _RANDOM_WIDTH))):
        filling = Filling.ACTIVATIONS if seed % 4 else Filling.FINITE_PATTERNS
        case = Case(
            filling, _RANDOM_TOKENS, _RANDOM_WIDTH, 128, "bfloat16", "float8_e4m3fn", seed=seed
        )
        yield case, _reference_digests(case)


@cache
def _reference_digests(case: Case) -> dict[str, str]:
    with providers(force="reference"):
        values, scales = run(case, torch.device("cpu"))
    return {"values": digest(values), "scales": digest(scales)}


def _call(case: Case, input: Tensor) -> tuple[Tensor, Tensor]:
    num_groups = case.hidden_size // case.group_size
    shape = (case.num_tokens, num_groups)
    if case.is_scale_transposed:
        shape = (num_groups, case.num_tokens)
    out = torch.empty(
        (case.num_tokens, case.hidden_size),
        dtype=getattr(torch, case.value_format),
        device=input.device,
    )
    scales = torch.empty(shape, dtype=torch.float32, device=input.device)
    bound = None
    if case.scale_ub is not None:
        bound = torch.tensor(case.scale_ub, dtype=torch.float32, device=input.device)
    torch.ops.opparity.silu_and_mul_per_block_quant.intermediate(
        out,
        input,
        scales,
        case.group_size,
        bound,
        case.is_scale_transposed,
        str(case.intermediate),
    )
    return out, scales.t() if case.is_scale_transposed else scales


def _count(got: Tensor, right: Tensor) -> int:
    """Return how many elements differ in any of their bytes."""
    size = got.element_size()
    left, other = (x.cpu().flatten().contiguous().view(torch.uint8) for x in (got, right))
    return int((left != other).reshape(-1, size).any(dim=1).sum())


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu ({torch.get_num_threads()} threads)"
