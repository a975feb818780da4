"""What Python may implement of operators that native code defines, by its text alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.checker.tree.contents import Tree

_WORD = re.compile(rb"\w+")
_LIBRARY = re.compile(rb"(?i)library")


def implementing_words(tree: Tree) -> frozenset[str]:
    """Return every word of the files that implement operators of some library."""
    contents = (content for content in map(tree.read, tree.python) if b"impl" in content)
    words = {
        word for content in contents if _LIBRARY.search(content) for word in _WORD.findall(content)
    }
    return frozenset(word.decode(errors="replace") for word in words)
