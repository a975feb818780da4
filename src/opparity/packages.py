"""Packages that Opparity needs, and what is said where one is absent or broken."""

from __future__ import annotations

import importlib
from functools import cache
from importlib.util import find_spec

from opparity.errors import PackagesMissing, PackageUnusable

# The native library is built for its stable ABI: CMakeLists.txt, TORCH_TARGET_VERSION.
OLDEST_TORCH = "2.11"
_MOST_WORDS = 60


def version_of(name: str) -> str | None:
    """Return an installed package's version; None where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 -- quick --help

    try:
        return version(name)
    except PackageNotFoundError:
        return None


@cache
def objection(name: str) -> str | None:
    """Import a package once; return None, or why it cannot be imported and what to do.

    One that has failed may fail in another way, or end the process, when it is imported again.
    """
    try:
        module = importlib.import_module(name)
    except Exception as error:  # noqa: BLE001 -- whatever it raises, it is told
        if isinstance(error, ModuleNotFoundError) and error.name == name:
            return f"{name} is not installed; {_install(name)}"
        return _broken(name, error)
    if getattr(module, "__file__", None) is None:
        # Python imports any folder of that name.
        left = ", ".join(getattr(module, "__path__", ()))
        return f"{name} is not installed, and {left} is left of it; {_install(name)}"
    return None


def refusal(name: str) -> PackageUnusable | None:
    """Return the error of operators that need a package which is absent or broken, or None."""
    reason = objection(name)
    return PackageUnusable(what="Opparity's operators", reason=reason) if reason else None


def require_for(command: str, *names: str) -> None:
    """Refuse a command whose packages are absent or broken.

    Raises:
        PackagesMissing: with all that are absent.
        PackageUnusable: for the first that is broken.
    """
    missing = [name for name in names if not _is_found(name)]
    if missing:
        remedy = _install(*missing)
        if "torch" in missing:
            # Where torch is absent, Opparity is built without its kernels.
            remedy += ", and then Opparity again from its clone, with pip's --no-build-isolation"
        raise PackagesMissing(command=command, packages=", ".join(missing), remedy=remedy)
    for name in names:
        reason = objection(name)
        if reason is not None:
            raise PackageUnusable(what=f"opparity {command}", reason=reason)


def _is_found(name: str) -> bool:
    """Return whether a package has a file to import, and not a folder alone."""
    spec = find_spec(name)
    return spec is not None and spec.origin is not None


def _install(*names: str) -> str:
    wanted = (f"'torch>={OLDEST_TORCH}'" if name == "torch" else name for name in names)
    return f"`pip install {' '.join(wanted)}`"


def _broken(name: str, error: Exception) -> str:
    # torch imports numpy where it is there, and does not live with one that is broken.
    if name != "numpy" and _is_found("numpy"):
        numpy = objection("numpy")
        if numpy is not None:
            return f"{name} cannot be imported, since {numpy}"
    words = f"{type(error).__name__}: {error}".split()
    said = " ".join(words[:_MOST_WORDS]) + (" ..." if len(words) > _MOST_WORDS else "")
    number = version_of(name)
    called = f"{name} {number}" if number else name
    return f"{called} cannot be imported: {said}; `pip install --force-reinstall {name}`"
