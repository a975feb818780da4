"""Whether a library may have what Python calls to import it, where nothing of the kind was read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.analysis.plain_headers import is_plain_header
from opparity.checker.facts.conditions import Truth
from opparity.checker.languages.cpp.text_scan import without_comments
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Link, Linker
    from opparity.checker.analysis.project import Project
    from opparity.words.statements import Statement

# What makes an init function, or is part of one: `PyInit_` may be pasted together.
_MARK = re.compile(r"PyInit|PyMODINIT|PYBIND11_\w*(?:MODULE|PLUGIN)|NB_MODULE|BOOST_PYTHON_MODULE")
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
_WORD = re.compile(r"\w+")


class Initialising:
    """Says what may make the init function of a library that was read without one."""

    def __init__(self, project: Project, linker: Linker) -> None:
        self.project = project
        self.linker = linker
        self.makers = _makers(project)
        self._named: dict[str, str] = {}

    def doubts(self, link: Link) -> Iterator[Statement]:
        """Yield what may make one: a macro, an include or a library that was not read."""
        for macro in link.target.macros:
            if _MARK.search(macro.value):
                yield state("doubt.macro", macro=macro.name, place=link.description)
        for library in link.target.libraries:
            yield state("doubt.library", library=library)
        for source in link.target.sources:
            if source.path not in self.project.native:
                yield state("doubt.source", source=source.path)
        for part in link.compiled:
            path = part.file.path
            named = self._mark_in(path)
            if named:
                yield state("doubt.macro", macro=named, place=path)
            for include in part.file.includes:
                is_read = is_plain_header(include.path) or self.linker.resolves(path, include.path)
                if not is_read and part.truth(include.condition) is not Truth.FALSE:
                    yield state("doubt.included", include=include.path, place=path)

    def _mark_in(self, path: str) -> str:
        """Return what a file names, outside of directives, that makes init functions."""
        if path not in self._named:
            text = _DIRECTIVE.sub("", without_comments(self.project.tree.read_text(path)))
            found = _MARK.search(text)
            used = self.makers.intersection(_WORD.findall(text)) if self.makers else ()
            self._named[path] = found[0] if found else min(used, default="")
        return self._named[path]


def _makers(project: Project) -> frozenset[str]:
    """Return the tree's macros that make an init function, themselves or by other macros."""
    bodies = {
        name: " ".join(each.value for each in definitions)
        for name, definitions in project.macro_definitions.items()
    }
    found = {name for name, body in bodies.items() if _MARK.search(body)}
    words = {name: frozenset(_WORD.findall(body)) for name, body in bodies.items()} if found else {}
    while True:
        more = {name for name, own in words.items() if not own.isdisjoint(found)} - found
        if not more:
            return frozenset(found)
        found |= more
