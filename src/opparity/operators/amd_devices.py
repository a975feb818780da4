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
    versions = [_version(TOPOLOGY / str(number)) for number in range(_number_of_nodes())]
    gpus = [_architecture(version) for version in versions if version != 0]
    gpus = _visible(gpus, _RUNTIME_FILTER)
    hip = next((name for name in _HIP_FILTERS if name in os.environ), None)
    if hip is not None:
        gpus = _visible(gpus, hip)
    if not gpus:
        raise Unknown(f"{TOPOLOGY} lists no GPU that is visible to this process")
    return tuple(gpus)


def _number_of_nodes() -> int:
    """Return how many processors and GPUs the driver lists; they are numbered from 0."""
    return sum(1 for path in TOPOLOGY.iterdir() if path.name.isdecimal())


def _version(node: Path) -> int:
    """Return a node's gfx_target_version; 0 for a CPU and for a GPU that others have."""
    try:
        lines = (node / "properties").read_text("utf-8").splitlines()
    except PermissionError:
        # In a container the driver lists every GPU of the machine and lets read the own ones.
        return 0
    except OSError as error:
        raise Unknown(f"{error.filename} cannot be read: {error.strerror}") from error
    properties = dict(line.split(maxsplit=1) for line in lines if " " in line)
    version = properties.get("gfx_target_version", "0")
    if not version.isdecimal():
        raise Unknown(f"{node} has the gfx_target_version {version!r}; a number was expected")
    return int(version)


def _architecture(version: int) -> str:
    """Return the name for a gfx_target_version: 90402 is gfx942 and 90010 is gfx90a."""
    major, minor, stepping = version // 10000, version // 100 % 100, version % 100
    for name, value in os.environ.items():
        if name == _OVERRIDE:
            parts = value.split(".")
            if len(parts) != 3 or not all(part.isdecimal() for part in parts):  # noqa: PLR2004
                raise Unknown(f"{_OVERRIDE} is {value!r}; allowed: three numbers, as 11.0.0")
            major, minor, stepping = map(int, parts)
        elif name.startswith(f"{_OVERRIDE}_"):
            raise Unknown(f"{name} is set, for one GPU alone; set {_OVERRIDE} for all")
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
