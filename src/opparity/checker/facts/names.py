"""Operators' full names: a library's name may be a macro that each target defines otherwise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.checker.facts.builds import Target
    from opparity.checker.facts.native import Registration

EXTENSION_NAME = "TORCH_EXTENSION_NAME"
_CONCATENATION = re.compile(r"^\w*(?:CONCAT|CAT|JOIN|PASTE)\w*\((.*)\)$", re.IGNORECASE)


def library_name(written: str, target: Target) -> str:
    """Return a library's name as one target compiles it."""
    found = _CONCATENATION.match(written)
    parts = found.group(1).split(",") if found else [written]
    values = {macro.name: macro.value for macro in target.macros if macro.value}
    values.setdefault(EXTENSION_NAME, target.name.rpartition(".")[2])
    # Behind the first dot stand submodules of pybind11.
    return "".join(".".join(values.get(word, word) for word in part.split(".")) for part in parts)


def module_name(target: Target) -> str:
    """Return the name that a target's module is imported by, without its package."""
    return library_name(EXTENSION_NAME, target)


def operator_name(registration: Registration, target: Target) -> str:
    """Return library::operator as one target compiles it."""
    library = library_name(registration.library, target)
    return f"{library}::{registration.operator}" if library else registration.operator


def plain_library(written: str) -> str:
    """Return a library's name without any target: macros keep their names."""
    found = _CONCATENATION.match(written)
    return found.group(1).replace(",", "") if found else written
