"""What Python may implement of operators that native code defines, by its text alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.checker.tree.contents import Tree

_WORD = re.compile(rb"\w+")
# `library.impl(…)`, `@impl(…)`, `@operator.register_kernel(…)`, a helper of the tree's own, or a
# library that is opened to implement; one that is opened to define need not.
_IMPLEMENTS = re.compile(rb"""(?:\bimpl|_impl|register_kernel)\s*\(|["']IMPL["']""")


def implementing_words(tree: Tree) -> frozenset[str]:
    """Return every word of the files that implement operators of some library."""
    words = {
        word
        for content in map(tree.read, tree.python)
        if _IMPLEMENTS.search(content)
        for word in _WORD.findall(content)
    }
    return frozenset(word.decode(errors="replace") for word in words)
