from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import HealthCheck, settings
from torch import Tensor

from opparity.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator

# How fast this machine draws and runs an example is not what a test without its own deadline asks.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--emulate", metavar="CHIP", help="an AMD chip that kernels run on, emulated")
    parser.addoption("--tinygrad", metavar="CLONE", help="a clone of tinygrad, for --emulate")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if torch.cuda.is_available():
        return
    reason = (
        "torch.cuda.is_available() is False: no GPU here; docs/development.md says where it ran"
    )
    for item in items:
        if item.get_closest_marker("gpu") is not None:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def _seed(request: pytest.FixtureRequest) -> None:
    """Seed torch from the test's own name, so that order and selection change nothing."""
    digest = hashlib.sha256(request.node.nodeid.encode()).digest()
    torch.manual_seed(int.from_bytes(digest[:8], "little") >> 1)


@pytest.fixture(autouse=True)
def _same_provider() -> Iterator[None]:
    """Fail the test that leaves another provider in force, not those that run after it."""
    yield
    switching = sys.modules.get("opparity.operators.switching")
    if switching is None or Platform.CPU not in switching._chosen:
        return
    from opparity.operators import selection  # noqa: PLC0415 -- only where a test loads operators

    decided = selection.decisions(Platform.CPU)
    selected = next((each for each in decided if isinstance(each, selection.Selected)), None)
    assert switching._chosen[Platform.CPU] == (selected and selected.implementation)


@pytest.fixture
def small_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let random calls be small."""
    from opparity.random_calls import draw  # noqa: PLC0415 -- only where a test draws calls

    monkeypatch.setattr(draw, "_SMALL", 1 << 12)
    monkeypatch.setattr(draw, "_WIDTHS", (64, 128, 512, 1024))
    monkeypatch.setitem(draw._SHARE_OF_LARGE, "cpu", 0.0)


@pytest.fixture
def two_gpus() -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("one GPU here, and this needs two; docs/distributed.md says where it ran")


@pytest.fixture
def allclose_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """opcheck compares with torch.allclose, which has no arithmetic for FP8: compare bytes."""
    original = torch.allclose

    def allclose(
        left: Tensor, right: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
    ) -> bool:
        if left.dtype.itemsize == 1:
            return torch.equal(left.view(torch.uint8), right.view(torch.uint8))
        return original(left, right, rtol, atol, equal_nan)

    monkeypatch.setattr(torch, "allclose", allclose)
