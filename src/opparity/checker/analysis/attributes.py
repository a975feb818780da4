"""What Python reads of objects by name, whatever they are: `loader.load().forward_affine`."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from opparity.checker.analysis.spelling import Spellings, is_slip
from opparity.checker.facts.places import Location
from opparity.checker.languages.python.attribute_reads import read_attributes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opparity.checker.analysis.project import Project

# In larger trees only the files are looked through that touch operators.
_MOST_BYTES = 24_000_000
# A shorter name is one of many things.
_SHORTEST = 7
_SHORTEST_OF_AN_OBJECT = 5
_LONG = 10
# The dot first: with what must not stand before it, vLLM 0.33.0 takes 0.2 s instead of 0.05.
_ATTRIBUTE = re.compile(rb"\.(?<!self\.)(?<!cls\.)\s*+([A-Za-z_]\w{4,})")
# The word first, for the same reason.
_FUNCTION = re.compile(rb"def(?<!\wdef)\s+([A-Za-z_]\w{4,})")
_CLASS = re.compile(rb"class(?<!\wclass)\s+([A-Za-z_]\w{4,})")


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
            text = self.project.tree.read(path)
            for name in {*_FUNCTION.findall(text), *_CLASS.findall(text)}:
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
        read = re.compile(rb"(?:(\w+)|(?<=[)\]]))\s*\.\s*" + name.encode() + rb"\b")
        for found in read.finditer(text):
            owner = found[1] or b""
            # `Grid.load` of the file's own class Grid is that class's.
            is_own = owner in {b"self", b"cls"} or (definers and _has_class(text, owner))
            if not is_own:
                place = found.end() - len(name)
                return Location(paths[0], text.count(b"\n", 0, place) + 1)
        return None

    def is_read_of_an_object(self, name: str) -> bool:
        """Return whether Python reads a name of something by its plain name: `KERNELS.name`."""
        word = name.encode()
        read = re.compile(rb"(?<![\w.])(?!self\b|cls\b)[A-Za-z_]\w*\." + word + rb"\b")
        return any(read.search(self.project.tree.read(path)) for path in self.readers.get(name, ()))

    def of_objects(self, path: str) -> dict[str, dict[str, Location]]:
        """Return variable -> what a file reads of it by name, with the first place of each.

        What it does without where it is not there is left out.
        """
        found: dict[str, dict[str, Location]] = {}
        for read in read_attributes(self.project.tree, path):
            if "." not in read.owner and len(read.name) >= _SHORTEST_OF_AN_OBJECT:
                names = found.setdefault(read.owner, {})
                if not read.is_handled:
                    names.setdefault(read.name, Location(path, read.line))
        return found

    def is_a_name_of_pythons(self, name: str) -> bool:
        """Return whether Python has a name for anything else than an attribute that it reads.

        `self.name = kernels.name` keeps the attribute, and is nothing else.
        """
        word = name.encode()
        plain = rb"(?<![\w.])" + word + rb"\b"
        of_self = rb"\b(?:self|cls)\." + word
        kept = re.compile(of_self + rb"\s*=\s*(?!self\b|cls\b)[\w.]+\." + word + rb"\b")
        for path in self.paths:
            text = self.project.tree.read(path)
            if word in text:
                own = plain if kept.search(text) else plain + rb"|" + of_self + rb"\b"
                if re.search(own, text):
                    return True
        return False

    def misspelt(self, known: Iterable[str]) -> Iterator[tuple[str, str, Location]]:
        """Yield each attribute that stands once in all Python and is one slip from a known name.

        With the name that is meant, and the place. What Python has in any other place, as a
        definition or a text, may be a name of its own.
        """
        near = Spellings(sorted(name for name in known if len(name) >= _SHORTEST))
        texts = {path: self.project.tree.read(path) for path in self.paths}
        for written, readers in self.readers.items():
            if len(readers) != 1 or len(written) < _SHORTEST:
                continue
            found = _meant(written, near)
            if found is None:
                continue
            word = written.encode()
            if sum(len(re.findall(rb"\b" + word + rb"\b", text)) for text in texts.values()) == 1:
                place = texts[readers[0]].index(word)
                yield (
                    written,
                    found,
                    Location(readers[0], texts[readers[0]].count(b"\n", 0, place) + 1),
                )


def _meant(written: str, known: Spellings) -> str | None:
    """Return a known name that a word is one slip from; None for none, and for known words."""
    near = known.near(written)
    if written in near:
        return None
    slips = (each for each in near if is_slip(written, each))
    return next(slips, None) or next((each for each in near if _lacks_one(written, each)), None)


def _lacks_one(written: str, meant: str) -> bool:
    """Return whether a long name lacks one letter of another, wherever that stood."""
    if len(meant) - len(written) != 1 or len(written) < _LONG or written[:1] != meant[:1]:
        return False
    start = next((i for i, (a, b) in enumerate(zip(written, meant, strict=False)) if a != b), -1)
    return start > 0 and meant[start].isalpha() and written[start:] == meant[start + 1 :]


def _has_class(text: bytes, name: bytes) -> bool:
    """Return whether a file defines a class of a name."""
    return (
        bool(name) and re.search(rb"^[ \t]*class " + name + rb"\b", text, re.MULTILINE) is not None
    )
