"""The native library: where it lies, and whether this process could load it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch

import opparity
from opparity.errors import CapabilityUnknown
from opparity.operators import torch_build
from opparity.platforms import Platform

FILE_NAME = "libopparity.so"


def path() -> Path | None:
    """Return the library's path; an editable install has the package in two folders."""
    candidates = (Path(folder) / FILE_NAME for folder in opparity.__path__)
    return next((candidate for candidate in candidates if candidate.is_file()), None)


@cache
def load() -> str | None:
    """Load the library once; return None, or the reason why it cannot be loaded.

    Raises:
        CapabilityUnknown: for what OPPARITY_CPU_CAPABILITY says, before anything is computed.
    """
    library = path()
    if library is None:
        return (
            "this installation was built without torch's headers; reinstall it where torch is, "
            "with `pip install --no-build-isolation opparity`"
        )
    try:
        torch.ops.load_library(str(library))
    except OSError as error:
        return f"{library.name} does not load: {error}"
    try:
        torch.ops.opparity.cpu_capability()
    except RuntimeError as error:
        raise CapabilityUnknown(detail=str(error)) from None
    return None


def availability(platform: Platform) -> str | None:
    """Return None where the native library can serve a platform, else the reason.

    No GPU is started for it; its compiler is looked for, since without one there are no kernels.
    """
    reason = load() or torch_build.objection(platform)
    if reason is None and platform is not Platform.CPU:
        return _without_compiler()
    return reason


@cache
def _without_compiler() -> str | None:
    """Return why GPU kernels cannot be compiled here, or None."""
    try:
        torch.ops.opparity.gpu_compiler()
    except RuntimeError as error:
        return str(error)
    return None
