"""Which AMD architectures this process sees, without starting a GPU.

Asking torch or HIP would start one, and a process that has is not to be forked: so the driver's own
files are read, as ROCm's runtime does.
"""

from __future__ import annotations

import os
from pathlib import Path

TOPOLOGY = Path("/sys/class/kfd/kfd/topology/nodes")
# ROCm's runtime filters by the first, HIP what is left by the others, of which it takes one.
_RUNTIME_FILTER = "ROCR_VISIBLE_DEVICES"
_HIP_FILTERS = ("HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")
_OVERRIDE = "HSA_OVERRIDE_GFX_VERSION"


class Unknown(Exception):
    """The architectures cannot be told; the message says why."""


def architectures() -> tuple[str, ...]:
    """Return the architecture of each visible AMD GPU, as "gfx942".

    Raises:
        Unknown: where the driver shows no GPU, or shows them in a form not known here.
    """
    if not TOPOLOGY.is_dir():
        raise Unknown(f"{TOPOLOGY} does not exist, so AMD's driver shows no GPU")
    found = [_architecture(path) for path in sorted(TOPOLOGY.iterdir(), key=lambda p: int(p.name))]
    gpus = [name for name in found if name is not None]
    gpus = _visible(gpus, _RUNTIME_FILTER)
    hip = next((name for name in _HIP_FILTERS if name in os.environ), None)
    if hip is not None:
        gpus = _visible(gpus, hip)
    if not gpus:
        raise Unknown(f"{TOPOLOGY} lists no GPU that is visible to this process")
    return tuple(gpus)


def _architecture(node: Path) -> str | None:
    """Return a node's architecture; None for a CPU and for a GPU that others have."""
    try:
        lines = (node / "properties").read_text("utf-8").splitlines()
    except PermissionError:
        # In a container the driver lists every GPU of the machine and lets read the own ones.
        return None
    properties = dict(line.split(maxsplit=1) for line in lines if " " in line)
    number = int(properties.get("gfx_target_version", "0"))
    if number == 0:
        return None
    override = os.environ.get(_OVERRIDE)
    if override is not None:
        parts = override.split(".")
        if len(parts) != 3 or not all(part.isdecimal() for part in parts):  # noqa: PLR2004
            raise Unknown(f"{_OVERRIDE} is {override!r}; allowed: three numbers, as 11.0.0")
        major, minor, stepping = map(int, parts)
    else:
        # 90402 is gfx942 and 90010 is gfx90a.
        major, minor, stepping = number // 10000, number // 100 % 100, number % 100
    return f"gfx{major}{minor:x}{stepping:x}"


def _visible(gpus: list[str], variable: str) -> list[str]:
    """Return what a list of device numbers leaves; up to the first number that there is not."""
    value = os.environ.get(variable)
    if value is None:
        return gpus
    chosen = []
    for word in value.split(","):
        if word.strip().startswith("GPU-"):
            raise Unknown(f"{variable} names GPUs by their identifiers; use their numbers")
        if not word.strip().isdecimal() or int(word) >= len(gpus):
            break
        chosen.append(gpus[int(word)])
    return chosen
