"""The native library: where it lies, and whether this process could load it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch

import opparity
from opparity import torch_names
from opparity.errors import CapabilityUnknown, NamespaceTaken
from opparity.operators import library_record, namespace, torch_build
from opparity.operators.shared_library import SharedLibrary, Unloadable
from opparity.packages import OLDEST_TORCH
from opparity.platforms import Platform

FILE_NAME = "libopparity.so"
# Without it the reference serves, and that is told.
IS_EXPECTED = True
_AGAIN = (
    "install Opparity again where torch is, with `pip install --no-build-isolation --no-deps "
    "--force-reinstall` and its source folder, archive or wheel"
)


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
    file = path()
    if file is None:
        return (
            f"this installation has no {FILE_NAME}: torch {OLDEST_TORCH} or a C++ compiler was "
            f"missing when it was built, or the file is gone; {_AGAIN}"
        )
    reason = _too_old() or objection(file)
    if reason is None:
        owner = namespace.owner(file)
        reason = (
            str(NamespaceTaken(namespace=namespace.NAMESPACE, owner=owner))
            if owner
            else _open(file)
        )
    if reason is not None:
        return reason
    try:
        torch.ops.opparity.cpu_capability()
    except RuntimeError as error:
        raise CapabilityUnknown(detail=str(error)) from None
    return None


def objection(file: Path) -> str | None:
    """Return why a file is not this package's native library, as it is on disk; or None."""
    beside = file.with_name(library_record.FILE_NAME)
    try:
        library = SharedLibrary(file.read_bytes())
        record = library_record.read(beside)
        detail = record.objection(library) if record is not None else None
    except OSError as error:
        return f"{file} cannot be read: {error.strerror}; let this user read it (chmod a+r)"
    except Unloadable as error:
        detail = str(error)
    except library_record.Damaged as error:
        return f"{beside} {error}, so that the library cannot be compared with it; {_AGAIN}"
    return f"{file} {detail}; {_AGAIN}" if detail is not None else None


def is_recorded(file: Path) -> bool:
    """Return whether the record of its build lies beside a library that has been loaded."""
    return file.with_name(library_record.FILE_NAME).exists()


def _too_old() -> str | None:
    if torch_names.first_two(torch.__version__) >= torch_names.first_two(OLDEST_TORCH):
        return None
    return (
        f"torch {torch.__version__} is older than {OLDEST_TORCH}, the first that the native "
        f"library works with; `pip install --upgrade 'torch>={OLDEST_TORCH}'`"
    )


def _open(file: Path) -> str | None:
    try:
        torch.ops.load_library(str(file))
    except (OSError, RuntimeError) as error:
        # torch names the file, and what the loader says is the cause of that.
        return f"{file} does not load: {error.__cause__ or error}; {_AGAIN}"
    if not hasattr(torch.ops.opparity, "cpu_capability"):
        return f"{file} is some other library; {_AGAIN}"
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
