"""Libraries that an extension links from folders of the tree, which some build may make there."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from opparity.checker.languages.setup_py.values import NONE, strings_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opparity.checker.languages.setup_py.tree_paths import TreePaths
    from opparity.checker.languages.setup_py.values import Value

_BINARY = re.compile(r"\.(?:a|o|so)(?:\.\d+)*$")
_NAME = re.compile(r"(?:lib)?(.+?)(?:\.(?:a|o|so)(?:\.\d+)*)?$")


def linked_libraries(
    keywords: Mapping[str, Value], paths: TreePaths
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the folders of the tree that an extension's keywords name, and the libraries.

    Both are empty where no folder is of the tree: then all libraries come from elsewhere.
    """
    names = dict.fromkeys(_texts(keywords, "libraries"))
    folders = dict.fromkeys(_texts(keywords, "library_dirs"))
    binaries = dict.fromkeys(_texts(keywords, "extra_objects"))
    flags = [*_texts(keywords, "extra_link_args"), *_texts(keywords, "extra_ldflags")]
    for flag in flags:
        if flag.startswith("-L"):
            folders[flag[2:].strip()] = None
        elif flag.startswith("-l"):
            names[flag[2:].strip().lstrip(":")] = None
        elif _BINARY.search(flag) and not flag.startswith("-"):
            binaries[flag] = None
    for path in binaries:
        folders[posixpath.dirname(path)] = None
        names[posixpath.basename(path)] = None
    inside = dict.fromkeys(paths.relative(folder) for folder in folders if folder)
    own = tuple(folder for folder in inside if folder is not None)
    return (own, tuple(_plain(name) for name in names if name)) if own else ((), ())


def _texts(keywords: Mapping[str, Value], keyword: str) -> Iterator[str]:
    return (text for text, _, _ in strings_of(keywords.get(keyword, NONE)))


def _plain(name: str) -> str:
    """Return a library's name without what its file's name has more: `librdma.a`."""
    found = _NAME.match(name)
    return found[1] if found else name
