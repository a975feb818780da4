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
_KEYWORD = re.compile(r"[A-Z_]+$")
# Where commands take what they write: behind a word, or at a place.
_BEHIND = {"OUTPUT", "BYPRODUCTS"}
_PLACES = {"APPEND": 1, "COPY_FILE": 2, "DOWNLOAD": 2, "RENAME": 2, "TOUCH": 1, "WRITE": 1}
_PROPERTIES = {"set_property", "set_source_files_properties"}


def note_written(state: State, command: str, arguments: list[str]) -> None:
    """Note the sources that a command writes, or says are written."""
    for argument in _outputs(command, arguments):
        if _NATIVE.search(argument) and is_decided(argument):
            state.written.add(posixpath.normpath(state.absolute(argument)))


def _outputs(command: str, arguments: list[str]) -> list[str]:
    if command in _PROPERTIES:
        return arguments if "GENERATED" in arguments else []
    if command == "configure_file":
        return arguments[1:2]
    if command == "file" and arguments and arguments[0] in _PLACES:
        place = _PLACES[arguments[0]]
        return arguments[place : place + 1]
    if command not in {"add_custom_command", "add_custom_target", "execute_process", "file"}:
        return []
    found, is_output = [], False
    for argument in arguments:
        if _KEYWORD.match(argument):
            is_output = argument in _BEHIND
        elif is_output:
            found.append(argument)
    return found


def absent_source(state: State, text: str) -> str | None:
    """Return the path of a source that the tree should have and has not; None for any other."""
    whole = posixpath.normpath(text)
    is_own = whole.startswith(f"{SOURCE}/") and is_decided(whole) and _NATIVE.search(whole)
    return whole.removeprefix(f"{SOURCE}/") if is_own and whole not in state.written else None
