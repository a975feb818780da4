"""Lay a source tree several times into one folder, under other names, so that it is larger.

The first copy is the tree as it is. Every other one is a folder of its own with its own project,
in which these have the copy's number at their end: C++ files, the functions of C++, operators, and
the libraries and targets that operators are registered in. Its Python imports its own packages.
So twice the tree has twice the files, targets and operators, and nothing of one copy is found from
another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opparity.checker.analysis.reading import read_project
from opparity.checker.tree.contents import NATIVE_SUFFIXES
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.checker.analysis.project import Project

_WORD = re.compile(rb"\w+")
_FILE = re.compile(
    rb"(\w+)(" + b"|".join(re.escape(each.encode()) for each in sorted(NATIVE_SUFFIXES)) + rb")\b"
)


@dataclass(frozen=True, slots=True)
class Names:
    """What has another name in each copy.

    Attributes:
        libraries: operators' libraries, and targets.
        words: operators and functions of C++.
        stems: names of C++ files without their suffixes.
        packages: Python's.
    """

    libraries: frozenset[bytes]
    words: frozenset[bytes]
    stems: frozenset[bytes]
    packages: frozenset[bytes]


class Multiplier:
    """Lays copies of one tree; what the checker does not read is left out."""

    def __init__(self, source: Path) -> None:
        self.tree = open_tree(source)
        self.names = names_of(read_project(self.tree))
        packages = b"|".join(sorted(map(re.escape, self.names.packages)))
        libraries = b"|".join(sorted(map(re.escape, self.names.libraries)))
        self._import = re.compile(rb"(?m)^([ \t]*(?:from|import) )(?=(?:" + packages + rb")\b)")
        self._use = re.compile(rb"(?<!\w)(" + libraries + rb")((?:\.|::)\w+)?(?!\w)")

    def lay(self, number: int, folder: Path) -> None:
        """Write a copy into a folder, the first one directly and each other in a folder of it."""
        for path, content in self.tree.places.items():
            if content is None:
                continue
            target = folder / (path if number == 1 else f"copy_{number}/{self._path(path, number)}")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if number == 1 else self._content(path, content, number))

    def _path(self, path: str, number: int) -> str:
        place = Path(path)
        return place.with_stem(f"{place.stem}_{number}").as_posix() if _is_native(path) else path

    def _content(self, path: str, content: bytes, number: int) -> bytes:
        if path.endswith(".py"):
            content = self._import.sub(rb"\1copy_" + str(number).encode() + b".", content)
        return self._renamed(content, f"_{number}".encode(), every_word=_is_native(path))

    def _renamed(self, content: bytes, suffix: bytes, *, every_word: bool) -> bytes:
        names = self.names

        def use(found: re.Match[bytes]) -> bytes:
            rest = found[2] or b""
            is_operator = rest.lstrip(b".:") in names.words
            return found[1] + suffix + rest + (suffix if is_operator and not every_word else b"")

        def word(found: re.Match[bytes]) -> bytes:
            return found[0] + suffix if found[0] in names.words else found[0]

        def file(found: re.Match[bytes]) -> bytes:
            # A file that is named after its function has its number already.
            stem = found[1].removesuffix(suffix)
            return stem + suffix + found[2] if stem in names.stems else found[0]

        if every_word:
            content = _WORD.sub(word, content)
        return _FILE.sub(file, self._use.sub(use, content))


def names_of(project: Project) -> Names:
    """Return what a copy of a project has under another name."""
    libraries = {target.name for build in project.builds for target in build.targets}
    libraries |= {registration.library for registration in project.registrations}
    words = {registration.operator for registration in project.registrations}
    words |= {registration.symbol.rpartition("::")[2] for registration in project.registrations}
    words |= {*project.definitions, *project.declarations}
    packages = {
        path.partition("/")[0] for path in project.tree.python if path.endswith("/__init__.py")
    }
    return Names(
        libraries=_encoded(libraries),
        # `size` is a word of other libraries too, and `TORCH_LIBRARY(_C, m) {…}` no function.
        words=_encoded(name for name in words if "_" in name.strip("_") and not name.isupper()),
        stems=_encoded(Path(path).stem for path in project.native),
        packages=_encoded(packages),
    )


def _encoded(texts: Iterable[str]) -> frozenset[bytes]:
    return frozenset(text.encode() for text in texts if text.isidentifier())


def _is_native(path: str) -> bool:
    return Path(path).suffix.lower() in NATIVE_SUFFIXES
