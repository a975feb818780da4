"""What looks like the head of a function by its text, where nothing was read so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.checker.tree.contents import Tree

# What looks like the head of a definition: a type, the name, parameters, a brace.
_TYPES = (
    rb"^[ \t]*(?!return\b|if\b|while\b|else\b)"
    rb"[\w:<>,&*\[\] \t]{0,300}[\w>&*\]][ \t&*]{1,20}"
)
_TO_BRACE = rb"\s*\([^;{}]{0,4000}\)\s*(?:const\s*|noexcept\s*)*\{"
_HEAD = _TYPES + rb"%s" + _TO_BRACE
_ANY_HEAD = re.compile(_TYPES + rb"(\w+)" + _TO_BRACE, re.MULTILINE)
# The same in the template of a script: `torch::Tensor mm_dispatch(Arguments arguments) {`.
_NO_TYPES = (
    rb"(?<![\w.])(?!def\b|class\b|return\b|import\b|if\b|elif\b|else\b|and\b|or\b|not\b|in\b|await\b"
    rb"|yield\b|lambda\b|is\b|assert\b|print\b)"
)
_HEAD_IN_TEXT = _NO_TYPES + rb"[\w:>&*]{0,100}[\w>&*][ \t&*]{1,20}%s\s*\("
_ANY_HEAD_IN_TEXT = re.compile(_NO_TYPES + rb"[\w:>&*]{0,100}[\w>&*][ \t&*]{1,20}(\w+)\s*\(")
# Of so many names each is looked for by itself; of more, all heads are gathered once.
_FEW = 60


class Heads:
    """Answers whether files may define functions, name by name."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._known: dict[str, bool] = {}
        self._gathered: frozenset[bytes] | None = None

    def has(self, name: str) -> bool:
        """Return whether a native file, or the text of a script, looks as if it defined a name."""
        if name not in self._known:
            self._known[name] = self._look(name.encode())
        return self._known[name]

    def _look(self, name: bytes) -> bool:
        if len(self._known) < _FEW:
            native = re.compile(_HEAD % re.escape(name), re.MULTILINE)
            script = re.compile(_HEAD_IN_TEXT % re.escape(name))
            return self._any(name, native.search, self.tree.native) or self._any(
                name, script.search, self.tree.python
            )
        if self._gathered is None:
            native_heads = {
                each for path in self.tree.native for each in self._all(path, _ANY_HEAD)
            }
            self._gathered = frozenset(native_heads).union(
                *(self._all(path, _ANY_HEAD_IN_TEXT) for path in self.tree.python)
            )
        return name in self._gathered

    def _any(self, name: bytes, search: Callable[[bytes], object], paths: tuple[str, ...]) -> bool:
        contents = map(self.tree.read, paths)
        return any(name in content and search(content) for content in contents)

    def _all(self, path: str, expression: re.Pattern[bytes]) -> list[bytes]:
        return expression.findall(self.tree.read(path))
