"""The native library: where it lies, and whether this process could load it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch

import opparity
from opparity import code_objects
from opparity.operators import torch_build
from opparity.platforms import Platform

FILE_NAME = "libopparity.so"
CODE_OBJECTS = Path(code_objects.__file__).parent / "objects"


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
    torch.ops.opparity.use_code_objects(str(CODE_OBJECTS))
    return None


def availability(platform: Platform) -> str | None:
    """Return None where the native library can serve a platform, else the reason.

    No GPU is started for it. A driver without a kernel for its GPU says so at the first call.
    """
    reason = load() or torch_build.objection(platform)
    if reason is None and platform is Platform.CUDA and not CODE_OBJECTS.is_dir():
        return f"this installation has no code objects: {CODE_OBJECTS} is missing"
    return reason
