"""What Python reads of objects by name, whatever they are: `loader.load().forward_affine`."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from opparity.checker.facts.places import Location

if TYPE_CHECKING:
    from opparity.checker.analysis.project import Project

# In larger trees only the files are looked through that touch operators.
_MOST_BYTES = 8_000_000
# The dot first: with what must not stand before it, vLLM 0.33.0 takes 0.2 s instead of 0.05.
_ATTRIBUTE = re.compile(rb"\.(?<!self\.)(?<!cls\.)\s*+([A-Za-z_]\w{4,})")
_DEFINED = re.compile(rb"(?:\bdef|\bclass)\s+([A-Za-z_]\w{4,})")


class Attributes:
    """The attributes that the Python of a tree reads."""

    def __init__(self, project: Project) -> None:
        self.project = project
        paths = project.tree.python
        if sum(len(project.tree.read(path)) for path in paths) > _MOST_BYTES:
            paths = tuple(sorted(project.python))
        self.paths = paths

    @cached_property
    def readers(self) -> dict[str, list[str]]:
        """Return the attributes that Python reads, each with the files that do."""
        found: dict[str, list[str]] = {}
        for path in self.paths:
            for name in sorted(set(_ATTRIBUTE.findall(self.project.tree.read(path)))):
                found.setdefault(name.decode(), []).append(path)
        return found

    @cached_property
    def definers(self) -> dict[str, list[str]]:
        """Return the functions and classes that Python defines, each with the files that do."""
        found: dict[str, list[str]] = {}
        for path in self.paths:
            for name in sorted(set(_DEFINED.findall(self.project.tree.read(path)))):
                found.setdefault(name.decode(), []).append(path)
        return found

    def use_of(self, name: str) -> Location | None:
        """Return where Python reads an attribute that it does not define itself.

        Where it has a function of that name, only a file counts that has both: a wrapper.
        """
        definers = self.definers.get(name, [])
        paths = [path for path in self.readers.get(name, ()) if not definers or path in definers]
        if not paths:
            return None
        text = self.project.tree.read(paths[0])
        found = re.search(rb"(?<!self)(?<!cls)\.\s*" + name.encode() + rb"\b", text)
        place = found.start() if found else 0
        return Location(paths[0], text.count(b"\n", 0, place) + 1)
