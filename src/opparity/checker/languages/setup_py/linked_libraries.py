"""Libraries that an extension links from folders of the tree, which some build may make there."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.languages.setup_py.iteration import items_of, strings_of
from opparity.checker.languages.setup_py.values import NONE, Unsure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opparity.checker.languages.setup_py.tree_paths import TreePaths
    from opparity.checker.languages.setup_py.values import Value

# A folder or a library that is not worked out.
UNKNOWN = "?"
_BINARY = re.compile(r"\.(?:a|o|so)(?:\.\d+)*$")
_NAME = re.compile(r"(?:lib)?(.+?)(?:\.(?:a|o|so)(?:\.\d+)*)?$")


def linked_libraries(
    keywords: Mapping[str, Value], paths: TreePaths
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the folders of the tree that an extension's keywords name, and the libraries.

    Both are empty where no folder is of the tree: then all libraries come from elsewhere. UNKNOWN
    is among them where a folder or a library is not worked out.
    """
    names = dict.fromkeys(_texts(keywords, "libraries"))
    folders = dict.fromkeys(_texts(keywords, "library_dirs"))
    binaries = dict.fromkeys(_texts(keywords, "extra_objects"))
    flags = [*_texts(keywords, "extra_link_args"), *_texts(keywords, "extra_ldflags")]
    for flag in _joined(flags):
        if flag.startswith("-L"):
            folders[flag[2:].strip()] = None
        elif flag.startswith("-l"):
            names[flag[2:].strip().lstrip(":")] = None
        elif _BINARY.search(flag) and not flag.startswith("-"):
            binaries[flag] = None
    for path in binaries:
        folders[posixpath.dirname(path) or "."] = None
        names[posixpath.basename(path)] = None
    inside = dict.fromkeys(
        UNKNOWN if folder == UNKNOWN else paths.relative(folder) for folder in folders if folder
    )
    own = tuple(folder or "." for folder in inside if folder is not None)
    return (own, tuple(_plain(name) for name in names if name)) if own else ((), ())


def _texts(keywords: Mapping[str, Value], keyword: str) -> Iterator[str]:
    """Yield what a keyword's list has, and UNKNOWN where that is not all."""
    value = keywords.get(keyword)
    if value is None or value == NONE:
        return
    yield from (text for text, _, _ in strings_of(value))
    items, complete = items_of(value)
    if complete is not Truth.TRUE or any(isinstance(item.value, Unsure) for item in items):
        yield UNKNOWN


def _joined(flags: list[str]) -> Iterator[str]:
    """Yield a linker's words, a bare `-L` or `-l` with the word behind it."""
    words = iter(flags)
    for word in words:
        yield word + next(words, "") if word in {"-L", "-l"} else word


def _plain(name: str) -> str:
    """Return a library's name without what its file's name has more: `librdma.a`."""
    found = _NAME.match(name)
    return found[1] if found else name
