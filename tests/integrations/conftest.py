"""vLLM, SGLang and transformers as stand-in packages, with the names that Opparity looks up."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STAND_INS = Path(__file__).parent / "stand_ins"


def _forget(*packages: str) -> None:
    for name in list(sys.modules):
        if name.partition(".")[0] in packages:
            del sys.modules[name]


def _forget_installers() -> None:
    """Forget the modules that import vLLM or SGLang: another stand-in follows."""
    from opparity.integrations.vllm import plugin  # noqa: PLC0415 -- as a user has it

    for name in {text.partition(":")[0] for text in plugin._INSTALLERS.values()}:
        sys.modules.pop(f"opparity.integrations.vllm.{name}", None)


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Return a function of a platform's name that gives vLLM's stand-in for it."""
    from opparity.integrations.vllm import operators, plugin  # noqa: PLC0415 -- it needs torch

    def prepare(platform: str) -> Any:  # noqa: ANN401 -- a module
        interface = importlib.import_module("vllm.platforms.interface")
        interface.Platform._enum = interface.PlatformEnum[platform.upper()]
        return importlib.import_module("vllm")

    _forget("vllm")
    monkeypatch.syspath_prepend(STAND_INS)
    monkeypatch.delenv("OPPARITY_VLLM", raising=False)
    operators.CALLS.clear()
    yield prepare
    plugin.unregister()
    _forget_installers()
    _forget("vllm")


@pytest.fixture
def sglang(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return SGLang's stand-in for hooks, nothing of ours registered yet."""
    from opparity.integrations.sglang import kernels, plugin  # noqa: PLC0415 -- it needs torch

    _forget("sglang")
    monkeypatch.syspath_prepend(STAND_INS)
    monkeypatch.delenv("OPPARITY_SGLANG", raising=False)
    kernels.CALLS.clear()
    kernels._said.clear()
    yield importlib.import_module("sglang.srt.plugins.hook_registry")
    plugin._installed.clear()
    kernels.ORIGINALS.clear()
    _forget("sglang")


@pytest.fixture
def transformers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return transformers' stand-in for FineGrainedFP8, nothing of ours registered yet."""
    _forget("transformers")
    monkeypatch.syspath_prepend(STAND_INS)
    yield importlib.import_module("transformers.integrations.finegrained_fp8")
    _forget("transformers")
