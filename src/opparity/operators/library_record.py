"""`python -m opparity.operators.library_record LIBRARY`: what the build says of the library.

The record lies beside the library, and is compared with it before it is loaded. It has digests of
code and constants by their addresses, not of the file: installers and distributions strip symbols
and edit search paths, and what they have edited is whole.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import opparity
from opparity.formats import VALUE_FORMATS, accepted_recipes
from opparity.operators import OPERATORS
from opparity.operators.shared_library import SharedLibrary

FILE_NAME = "libopparity.json"


@dataclass(frozen=True, slots=True)
class Part:
    """Code or constants of the library, which are never written to."""

    address: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Record:
    """What a library was built from, and what it holds.

    Attributes:
        version: of the package.
        tables_sha256: of the tables that Python and C++ have to share.
        parts: of the library.
    """

    version: str
    tables_sha256: str
    parts: tuple[Part, ...]

    def objection(self, library: SharedLibrary) -> str | None:
        """Return why a library is not the one of this record, or not of this package; or None."""
        if (self.version, self.tables_sha256) != (opparity.__version__, tables_digest()):
            return (
                f"was built from other sources (version {self.version}) than the package's Python "
                f"files (version {opparity.__version__})"
            )
        wrong = sum(not _is_in(library, part) for part in self.parts)
        if wrong:
            return (
                f"is damaged, or not Opparity's: {wrong} of {len(self.parts)} sections of code and "
                f"constants are not those that {FILE_NAME} lists"
            )
        return None


class Damaged(Exception):
    """A record that cannot be read, as the end of a sentence about its file."""


def read(file: Path) -> Record | None:
    """Return the record in a file; None where there is no file.

    Raises:
        Damaged: for a file that cannot be read, or is no record.
    """
    try:
        found: Any = json.loads(file.read_text("utf-8"))
        parts = tuple(
            Part(int(part["address"]), int(part["size"]), str(part["sha256"]))
            for part in found["parts"]
        )
        record = Record(str(found["version"]), str(found["tables_sha256"]), parts)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Damaged(f"cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        raise Damaged("is damaged") from None
    if not record.parts:
        raise Damaged("is damaged: it lists no part of the library")
    return record


def make(library: SharedLibrary) -> Record:
    """Return the record of a library that has just been built."""
    parts = tuple(
        Part(each.address, each.size, _digest(library.at(each.address, each.size)))
        for each in library.code()
    )
    return Record(opparity.__version__, tables_digest(), parts)


def write(record: Record, folder: Path) -> None:
    """Write a record into the library's folder."""
    (folder / FILE_NAME).write_text(json.dumps(asdict(record), indent=1) + "\n", "utf-8")


def tables_digest() -> str:
    """Return a digest of what operators are called and take: schemas, formats and recipes."""
    schemas = [f"{operator.qualified_name}{operator.schema}" for operator in OPERATORS]
    words = (*schemas, *VALUE_FORMATS, *accepted_recipes())
    return _digest("\n".join(words).encode())


def main() -> None:
    """Write a library's record beside it.

    Raises:
        SystemExit: for a library without sections, of which any other would be accepted.
    """
    [file] = map(Path, sys.argv[1:])
    record = make(SharedLibrary(file.read_bytes()))
    if not record.parts:
        sys.exit(f"{file} has no section headers to record; allowed: a library that keeps them")
    write(record, file.parent)


def _is_in(library: SharedLibrary, part: Part) -> bool:
    return _digest(library.at(part.address, part.size)) == part.sha256


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    main()
