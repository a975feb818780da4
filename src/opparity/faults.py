"""What is wrong with an installation, and how to mend it: docs/faults.md, for `opparity doctor`."""

from __future__ import annotations

import os
import sys
import threading
from importlib.metadata import distributions
from pathlib import Path

import opparity
from opparity.packages import objection, version_of

PAGE = "docs/faults.md"


def find(*, is_registered: bool) -> tuple[str, ...]:
    """Return each fault that is found here without calling an operator, with what to do.

    Args:
        is_registered: whether torch has Opparity's operators, so that the library can be asked.
    """
    torch = objection("torch")
    numpy = objection("numpy") if version_of("numpy") else None
    # Where numpy is what breaks torch, one sentence says both.
    found = [*_of_packages(torch, numpy), _other_copies(), _other_versions()]
    if is_registered:
        found += [_of_the_library(), _of_threads()]
    return tuple(filter(None, found))


def _of_packages(torch: str | None, numpy: str | None) -> list[str | None]:
    return [torch] if torch is not None and numpy is not None and numpy in torch else [torch, numpy]


def _of_the_library() -> str | None:
    from opparity.operators import native_library  # noqa: PLC0415 -- it needs torch

    return native_library.load()


def _other_copies() -> str | None:
    """Tell other packages of this name on Python's path, of which the first is imported."""
    own = Path(opparity.__file__)
    files = [Path(entry or ".", "opparity", "__init__.py") for entry in sys.path]
    # Links of one file are one copy. Unlike Path's, this function returns False where a folder may
    # not be entered, from which nothing can be imported.
    others = {file.resolve(): file.parent for file in files if os.path.isfile(file)}  # noqa: PTH113
    others.pop(own.resolve(), None)
    if not others:
        return None
    listed = ", ".join(sorted(map(str, others.values())))
    return (
        f"there are several copies of opparity: {own.parent} is the one that is imported, and "
        f"Python's path has {listed} too; uninstall or move all but one"
    )


def _other_versions() -> str | None:
    """Tell what installers say of this package where that is another version than the code's."""
    # An interrupted installation leaves a folder without a version.
    described = [each.metadata for each in distributions(name="opparity")]
    # Their protocol has no `get`.
    found = {each["Version"] if "Version" in each else None for each in described}  # noqa: SIM401
    if found <= {opparity.__version__}:
        return None
    said = ", ".join(sorted(version or "of unknown version" for version in found))
    return (
        f"opparity {opparity.__version__} is imported from {Path(opparity.__file__).parent}, but "
        f"the installed package is opparity {said}; uninstall opparity until none is left, and "
        "install the one that is wanted"
    )


def _of_threads() -> str | None:
    """Tell where torch's threads cannot be started, which ends the process without Python's help.

    As many are started as torch would start for its first large operation, and end at once.
    """
    import torch  # noqa: PLC0415 -- doctor runs without it

    done = threading.Event()
    wanted, started = torch.get_num_threads() - 1, []
    try:
        for _ in range(wanted):
            thread = threading.Thread(target=done.wait, daemon=True)
            thread.start()
            started.append(thread)
    except RuntimeError:
        return (
            f"only {len(started)} of the {wanted} threads that torch wants can be started, and its "
            "OpenMP ends a process that cannot start them; set OMP_NUM_THREADS="
            f"{len(started) + 1}, or allow more (ulimit -u, a container's limit of processes)"
        )
    finally:
        done.set()
        for thread in started:
            thread.join()
    return None
