"""What Python reads of extension modules by their whole names, or by the name a loader gives.

`import package` and then `package._C.scale(x)`, and `kernels = load(name="kernels", …)` and then
`kernels.scale(x)`: only files whose text has the name are parsed.
"""

from __future__ import annotations

import re
from functools import cache, partial
from os.path import commonprefix
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.native import RegistrationKind
from opparity.checker.facts.places import Location
from opparity.checker.facts.records import fact
from opparity.checker.languages.python.attribute_reads import read_attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from opparity.checker.analysis.linking import Link, Linker
    from opparity.checker.analysis.project import Project
    from opparity.checker.languages.python.attribute_reads import AttributeRead
    from opparity.checker.tree.contents import Tree

_LOAD = b"load("
_NAMED = re.compile(rb"\s*name\s*=\s*[\"'](\w+)[\"']")
# What stands before the call: looked at from there, since assignments are everywhere.
_GIVEN = re.compile(rb"(\w+)\s*=\s*(?:\w+\.)*\Z")
_LONGEST_GIVEN = 120
_IMPORTING = {"module", "shared", "jit"}


@fact
class ModuleRead:
    """A name that Python reads of a module, where it does so first.

    `is_caught`: there and everywhere else a `try` catches that the module lacks it.
    """

    name: str
    location: Location
    is_caught: bool = False


@fact
class ModuleReads:
    """A module of the tree, as every build makes it, and what Python reads of it."""

    module: str
    links: tuple[Link, ...]
    reads: tuple[ModuleRead, ...]

    @property
    def is_whole(self) -> bool:
        """Return whether all that the module may have is known."""
        return all(map(is_whole, self.links))

    @property
    def needed(self) -> tuple[ModuleRead, ...]:
        """Return what is read where nothing catches that the module lacks it."""
        return tuple(read for read in self.reads if not read.is_caught)


def is_whole(link: Link) -> bool:
    """Return whether all that a module may have is known."""
    return (
        link.is_complete is Truth.TRUE
        and any(part.file.registrations for part in link.compiled)
        and not any(part.file.unfollowed for part in link.compiled)
    )


def binds(link: Link, name: str) -> bool:
    """Return whether a module has a name, of a function, a class or a value.

    What only torch's dispatcher is given is no attribute of the module.
    """
    for part in link.compiled:
        kinds = {each.kind for each in part.file.registrations if each.operator == name}
        if RegistrationKind.BIND in kinds or (name in part.file.named and not kinds):
            return True
    return False


def modules_read(project: Project, linker: Linker) -> Iterator[ModuleReads]:
    """Yield the modules that Python reads names of, with the names."""
    links: dict[str, list[Link]] = {}
    for platform in project.platforms:
        for link in linker.links_on(platform):
            if link.target.kind in _IMPORTING and link.target.built is not Truth.FALSE:
                links.setdefault(link.target.name, []).append(link)
    tree = project.tree
    # What begins all whole names, `package._`, stands in few files.
    whole = [name for name in links if "." in name]
    start = commonprefix(whole).encode()  # noqa: RUF071 -- of texts, which are no paths
    contents = {path: tree.read(path) for path in tree.python} if whole else {}
    naming = {path: text for path, text in contents.items() if start in text}
    is_any_loaded = any(link.target.kind == "jit" for made in links.values() for link in made)
    loaded = _loaded(tree) if is_any_loaded else {}
    read = cache(partial(read_attributes, tree))  # a file may read several modules
    for module, made in links.items():
        places = loaded.get(module, ())
        found = dict(_reads(read, module, naming, places))
        caught = dict(_reads(read, module, naming, places, is_caught=True))
        reads = [ModuleRead(name, place) for name, place in found.items()]
        reads += [
            ModuleRead(n, place, is_caught=True) for n, place in caught.items() if n not in found
        ]
        if reads:
            yield ModuleReads(module, tuple(made), tuple(reads))


def _loaded(tree: Tree) -> dict[str, list[tuple[str, str]]]:
    """Return module -> the files that load it, each with the variable that they give it to."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in tree.marked(_LOAD):
        text = tree.read(path)
        start = text.find(_LOAD)
        while start >= 0:
            named = _NAMED.match(text, start + len(_LOAD))
            given = _GIVEN.search(text, max(0, start - _LONGEST_GIVEN), start) if named else None
            if named and given:
                found.setdefault(named[1].decode(), []).append((path, given[1].decode()))
            start = text.find(_LOAD, start + 1)
    return found


def _reads(
    read: Callable[[str], tuple[AttributeRead, ...]],
    module: str,
    naming: dict[str, bytes],
    loaded: Sequence[tuple[str, str]],
    *,
    is_caught: bool = False,
) -> Iterator[tuple[str, Location]]:
    """Yield what is read of a module where nothing handles that it may not be there.

    With `is_caught`, where a `try` does, and nothing asks for it.
    """
    places = list(loaded)
    if "." in module:
        whole = module.encode()
        places += [(path, module) for path, text in naming.items() if whole + b"." in text]
    for path, owner in places:
        for each in reversed(read(path)):
            if each.owner == owner and each.is_caught == is_caught and not each.is_asked:
                yield each.name, Location(path, each.line)
