"""Print what this environment's vLLM would get, as one line of JSON behind MARK.

`opparity doctor` runs it in a process of its own: vLLM takes seconds to import, and writes to the
output.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from opparity.errors import PluginRefused
from opparity.integrations.vllm import verdicts
from opparity.integrations.vllm.examination import MARK, VllmExamination
from opparity.integrations.vllm.plugin import platform_of_vllm
from opparity.integrations.vllm.settings import Settings
from opparity.integrations.vllm.table import ROWS


def examine() -> VllmExamination:
    """Return what the plugin would do here; nothing of it is installed."""
    import vllm  # noqa: PLC0415 -- the package is read without it

    version = str(vllm.__version__)
    platform = platform_of_vllm()
    if platform is None:
        return VllmExamination(version, None, "vLLM's platform is none of cuda, rocm and cpu")
    try:
        settings = Settings.from_environment()
    except PluginRefused as refused:
        return VllmExamination(version, platform, str(refused))
    if settings.off:
        return VllmExamination(version, platform, "OPPARITY_VLLM is off")
    from opparity.integrations.vllm import operators  # noqa: PLC0415 -- it needs torch

    present = operators.present(row.name for row in ROWS)
    return VllmExamination(
        version,
        platform,
        verdicts.version_objection(version),
        verdicts.of_operators(platform, present, settings),
        verdicts.of_parts(platform, settings),
    )


if __name__ == "__main__":
    sys.stdout.write(f"\n{MARK}{json.dumps(asdict(examine()))}\n")
