"""Modules that several builds of a tree make under one name: copies of one package.

Python means the one whose build lies around it.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from typing import TYPE_CHECKING

from opparity.checker.analysis.module_reads import binds, is_whole
from opparity.checker.facts.names import module_name

if TYPE_CHECKING:
    from opparity.checker.analysis.linking import Link, Linker
    from opparity.checker.analysis.project import Project
    from opparity.checker.facts.python import Call


class ModuleCopies:
    """Which build's module a file means, of several with one name."""

    def __init__(self, project: Project, linker: Linker) -> None:
        made: dict[str, dict[str, list[Link]]] = defaultdict(lambda: defaultdict(list))
        for platform in project.platforms:
            for link in linker.links_on(platform):
                folder = posixpath.dirname(link.description)
                made[module_name(link.target)][folder].append(link)
        self.copies = {module: folders for module, folders in made.items() if len(folders) > 1}

    def lacking(self, call: Call) -> Link | None:
        """Return the module that a call means and that lacks what it uses, where a copy has it.

        None where it is not known which one is meant, or all that it binds.
        """
        folders = self.copies.get(call.library, {}) if call.of_module else {}
        around = [folder for folder in folders if not folder or _is_in(folder, call.location.path)]
        if not around:
            return None
        own = max(around, key=len)
        links = folders[own]
        if not all(map(is_whole, links)) or any(binds(link, call.operator) for link in links):
            return None
        others = [link for folder, each in folders.items() if folder != own for link in each]
        return links[0] if any(binds(link, call.operator) for link in others) else None


def _is_in(folder: str, path: str) -> bool:
    return path.startswith(f"{folder}/")
