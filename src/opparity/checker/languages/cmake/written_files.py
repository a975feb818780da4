"""Files that a build names and the tree lacks: whether the build may write them itself."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from opparity.checker.languages.cmake.configuration import SOURCE
from opparity.checker.languages.cmake.values import is_decided

if TYPE_CHECKING:
    from opparity.checker.languages.cmake.state import State

_NATIVE = re.compile(r"\.(?:c|cc|cpp|cxx|cu|hip|mm|sycl)$")
# These name a source without writing it; any other command that is given one may write it.
_NAMING = re.compile(
    r"(?:set|unset|list|string|message|option|include|install|source_group|math|target_\w+"
    r"|get_\w+|cmake_\w+|set_target_properties|set_property|add_executable"
    r"|\w+_(?:library|module|extension))$"
)


def note_written(state: State, command: str, arguments: list[str]) -> None:
    """Note the sources that a command is given and may write."""
    is_property = command == "set_source_files_properties" and "GENERATED" not in arguments
    if is_property or _NAMING.match(command):
        return
    for argument in arguments:
        if _NATIVE.search(argument) and is_decided(argument):
            state.written.add(posixpath.normpath(state.absolute(argument)))


def absent_source(state: State, text: str) -> str | None:
    """Return the path of a source that the tree should have and has not; None for any other."""
    whole = posixpath.normpath(text)
    is_own = whole.startswith(f"{SOURCE}/") and is_decided(whole) and _NATIVE.search(whole)
    return whole.removeprefix(f"{SOURCE}/") if is_own and whole not in state.written else None
