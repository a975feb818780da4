"""What `opparity doctor` says of the vLLM in this environment. Free of torch and vLLM."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec

from opparity.integrations.vllm.verdicts import Verdict

MARK = "opparity examination of vLLM: "
_SECONDS = 300


@dataclass(frozen=True, slots=True)
class VllmExamination:
    """What the plugin would do in this environment's vLLM.

    Attributes:
        version: vLLM's; None where it could not be imported.
        platform: vLLM's; None where it is none of Opparity's, or not known.
        objection: why the plugin does nothing here; None where it does something.
        operators: what becomes of each operator; with an objection, what would.
        parts: what becomes of the rest of the plugin.
    """

    version: str | None
    platform: str | None
    objection: str | None
    operators: tuple[Verdict, ...] = ()
    parts: tuple[Verdict, ...] = ()


def examine() -> VllmExamination | None:
    """Ask a process that imports vLLM; None where there is no vLLM."""
    if find_spec("vllm") is None:
        return None
    command = [sys.executable, "-m", "opparity.integrations.vllm"]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return VllmExamination(None, None, f"vLLM was not imported within {_SECONDS} s")
    found = [line for line in ended.stdout.splitlines() if line.startswith(MARK)]
    if not found:
        last = (ended.stderr.strip() or "it said nothing").splitlines()[-1]
        return VllmExamination(None, None, f"vLLM cannot be imported: {last}")
    read = json.loads(found[-1].removeprefix(MARK))
    for name in ("operators", "parts"):
        read[name] = tuple(Verdict(**row) for row in read[name])
    return VllmExamination(**read)
