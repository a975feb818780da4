"""Builds the package by scikit-build-core, with the native library or, as another wheel, without.

A wheel without the library is pure (py3-none-any), so that no index takes one for the other.
`OPPARITY_NATIVE` says which is wanted:

    auto     with the library where torch 2.11 and a C++ compiler are, otherwise pure; the default
    require  with the library; without these the build fails
    off      pure
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scikit_build_core import build as backend
from torch_headers import objection

if TYPE_CHECKING:
    from collections.abc import Mapping

    Settings = Mapping[str, list[str] | str] | None

_CHOICES = ("auto", "require", "off")
# In the order in which CMake looks for them.
_COMPILERS = ("c++", "g++", "clang++")
_PURE = {"wheel.cmake": "false"}

build_sdist = backend.build_sdist
get_requires_for_build_sdist = backend.get_requires_for_build_sdist


def build_wheel(folder: str, settings: Settings = None, metadata_folder: str | None = None) -> str:
    """Build a wheel and return its file name."""
    return backend.build_wheel(folder, _chosen(settings), metadata_folder)


def build_editable(
    folder: str, settings: Settings = None, metadata_folder: str | None = None
) -> str:
    """Build a wheel that refers to this folder, and return its file name."""
    return backend.build_editable(folder, _chosen(settings), metadata_folder)


def prepare_metadata_for_build_wheel(folder: str, settings: Settings = None) -> str:
    """Write a wheel's metadata and return its folder."""
    return backend.prepare_metadata_for_build_wheel(folder, _chosen(settings))


def prepare_metadata_for_build_editable(folder: str, settings: Settings = None) -> str:
    """Write the metadata of a wheel that refers to this folder, and return its folder."""
    return backend.prepare_metadata_for_build_editable(folder, _chosen(settings))


def get_requires_for_build_wheel(settings: Settings = None) -> list[str]:
    """Return what else a build needs: CMake and ninja for the library, nothing without."""
    return backend.get_requires_for_build_wheel(_chosen(settings))


def get_requires_for_build_editable(settings: Settings = None) -> list[str]:
    """Return the same for an editable build."""
    return backend.get_requires_for_build_editable(_chosen(settings))


def _chosen(settings: Settings) -> dict[str, list[str] | str]:
    choice = os.environ.get("OPPARITY_NATIVE", "auto")
    if choice not in _CHOICES:
        raise SystemExit(f"OPPARITY_NATIVE is {choice!r}; allowed: {', '.join(_CHOICES)}")
    given = dict(settings or {})
    lacking = _lacking()
    if choice == "require" and lacking:
        raise SystemExit(f"the native library is required by OPPARITY_NATIVE, but {lacking}")
    if choice == "off" or lacking:
        reason = "OPPARITY_NATIVE is 'off'" if choice == "off" else lacking
        print(f"opparity: building without the native library: {reason}", file=sys.stderr)
        return given | _PURE
    _check_named_compiler()
    return given


def _check_named_compiler() -> None:
    """Refuse a CXX that names nothing: who names a compiler wants neither another nor none."""
    named = os.environ.get("CXX", "")
    # CMake takes a path with spaces, too, and a program with its arguments.
    try:
        first = shlex.split(named)[:1]
    except ValueError:  # a quotation that does not end: the name of a file at best
        first = []
    if named and not any(map(shutil.which, (named, *first))):
        raise SystemExit(
            f"CXX is {named!r}, and no such program is on the path; allowed: a C++ compiler's name "
            f"or path; correct it, or unset CXX to take the first of {', '.join(_COMPILERS)}"
        )


def _lacking() -> str | None:
    """Return what the native library's build lacks here, or None."""
    torch = importlib.util.find_spec("torch")
    if torch is None or torch.origin is None:
        return (
            "torch is not installed where this is built; where it is, "
            "`pip install --no-build-isolation` builds the library"
        )
    reason = objection(Path(torch.origin).parent)
    if reason is not None:
        return reason
    if not os.environ.get("CXX") and not any(map(shutil.which, _COMPILERS)):
        return f"no C++ compiler is on the path ({', '.join(_COMPILERS)}), and CXX names none"
    return None
