"""Whether Triton can serve here, asked without starting a GPU."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from opparity.operators import torch_build

if TYPE_CHECKING:
    from opparity.platforms import Platform


def availability(platform: Platform) -> str | None:
    """Return None where Triton and a torch for the platform are installed, else the reason."""
    if find_spec("triton") is None:
        return "Triton is not installed; `pip install opparity[triton]`"
    return torch_build.objection(platform)
