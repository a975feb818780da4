"""A pytest plugin for vLLM's kernel tests: its fixtures, and counts by file and reason."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import torch

from vllm_stand_ins import CompilationConfig, VllmConfig, set_current_vllm_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# How an operator of ours refuses: "operator: what was given; allowed: what is; what to do".
_REFUSAL = re.compile(r"\b\w+: [^\n]*; allowed: [^\n]*")
_OUTCOMES = ("passed", "failed", "refused", "interpreter", "skipped")


class Plugin:
    """Collects each test's outcome."""

    def __init__(self, custom_ops: str) -> None:
        self._custom_ops = custom_ops
        # Test -> outcome and reason.
        self._found: dict[str, tuple[str, str]] = {}

    @pytest.fixture
    def default_vllm_config(self) -> Iterator[VllmConfig]:
        """As vLLM's, with the base mode that was asked for."""
        config = VllmConfig(compilation_config=CompilationConfig([self._custom_ops]))
        with set_current_vllm_config(config):
            yield config

    @pytest.fixture(autouse=True)
    def reset_default_device(self) -> Iterator[None]:
        """Several tests leave another default device behind."""
        yield
        torch.set_default_device(None)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that skips itself, or that cannot be imported."""
        if not report.passed:
            self._found[report.nodeid] = (report.outcome, _reason_of_skip(report.longrepr))

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        """Note the outcome; a refusal in words is told from a wrong result."""
        outcome: Any = yield
        report: pytest.TestReport = outcome.get_result()
        if report.when != "call" and report.passed:
            return
        reason = ""
        kind: str = report.outcome
        if report.skipped:
            reason = _reason_of_skip(report.longrepr)
        elif report.failed and call.excinfo is not None:
            text = str(call.excinfo.value)
            refusal = _REFUSAL.search(text)
            kind = "refused" if refusal else "failed"
            if call.excinfo.typename == "InterpreterError":
                # On the CPU alone: it says nothing of ours, and is no skip of vLLM's.
                kind = "interpreter"
            first = refusal.group(0) if refusal else f"{call.excinfo.typename}: {text}"
            reason = first.strip().splitlines()[0][:200]
        self._found[item.nodeid] = (kind, reason)

    def outcomes(self) -> dict[str, tuple[str, str]]:
        """Return each test's outcome and the reason for it."""
        return self._found

    def summary(self, root: Path) -> str:
        """Return counts by file, and by reason for what did not pass."""
        files: dict[str, Counter[str]] = {}
        reasons: Counter[tuple[str, str, str]] = Counter()
        for test, (kind, reason) in self._found.items():
            name = test.partition("::")[0].removeprefix(f"{root}/")
            files.setdefault(name, Counter())[kind] += 1
            if kind != "passed":
                reasons[name, kind, reason] += 1
        lines = [f"custom_ops: {self._custom_ops}"]
        width = max(map(len, files), default=0)
        for name, counts in files.items():
            told = "  ".join(f"{kind} {counts[kind]}" for kind in _OUTCOMES if counts[kind])
            lines.append(f"{name:<{width}}  {told}")
        lines += [
            f"{count:5} {kind}: {name}: {reason}" for (name, kind, reason), count in reasons.items()
        ]
        total = Counter(kind for kind, _ in self._found.values())
        lines.append(f"all: {', '.join(f'{total[kind]} {kind}' for kind in _OUTCOMES)}")
        return "\n".join(lines)


def _reason_of_skip(told: object) -> str:
    text = str(told[2] if isinstance(told, tuple) else told)
    return text.removeprefix("Skipped: ").strip().splitlines()[-1][:200]
