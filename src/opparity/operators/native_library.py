"""The native library: where it lies, and whether this process could load it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch

import opparity
from opparity.code_objects import manifest
from opparity.operators import OPERATORS, amd_devices, torch_build
from opparity.platforms import Platform

FILE_NAME = "libopparity.so"
CODE_OBJECTS = manifest.FOLDER


def path() -> Path | None:
    """Return the library's path; an editable install has the package in two folders."""
    candidates = (Path(folder) / FILE_NAME for folder in opparity.__path__)
    return next((candidate for candidate in candidates if candidate.is_file()), None)


@cache
def load() -> str | None:
    """Load the library once; return None, or the reason why it cannot be loaded."""
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
    platform = torch_build.gpu_platform() or Platform.CPU
    torch.ops.opparity.use_code_objects(str(CODE_OBJECTS), str(platform))
    return None


def availability(platform: Platform) -> str | None:
    """Return None where the native library can serve a platform, else the reason.

    No GPU is started for it. A driver without a kernel for its GPU says so at the first call.
    """
    reason = load() or torch_build.objection(platform)
    if reason is None and platform is not Platform.CPU:
        return _without_code_objects(platform)
    return reason


@cache
def _without_code_objects(platform: Platform) -> str | None:
    """Return which code objects are missing, or None.

    CUDA's driver makes code for architectures that have none, so only AMD's are looked at.
    """
    try:
        objects = manifest.read()
    except FileNotFoundError as error:
        return f"this installation has no code objects: {error.filename} is missing"
    if platform is not Platform.ROCM:
        return None
    try:
        seen = amd_devices.architectures()
    except amd_devices.Unknown as unknown:
        return f"it has kernels for certain architectures, and this one is not known: {unknown}"
    for operator in OPERATORS:
        compiled = objects[operator.name]["hip"]["files"]
        missing = sorted(set(seen) - set(compiled))
        if missing:
            return (
                f"{operator.name} has no code object for {', '.join(missing)}, only for "
                f"{', '.join(compiled)}; hide other GPUs with HIP_VISIBLE_DEVICES"
            )
    return None
