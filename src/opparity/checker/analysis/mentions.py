"""Whether any build description or script of a tree names a source at all.

A list that could not be read to its end may hold any file; but a file that no line of any
description, script or data file names can only be in it by a pattern.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from opparity.checker.analysis.project import Project

_LISTING = re.compile(
    r"(?:^|/)(?:CMakeLists\.txt|BUCK|BUILD|TARGETS|Makefile|MANIFEST\.in|meson\.build)$|"
    r"\.(?:cmake|py|toml|json|in|txt|bzl|bazel|mk|cfg|ya?ml|jinja|sh)$"
)
_COMMENT = (b"#", b"//")
# What these say of a source makes none.
_BESIDE = re.compile(r"(?:^|/)(?:docs?|tests?)/")
# What goes into a distribution is listed there, and made elsewhere.
_PACKED = re.compile(r"(?:^|/)(?:MANIFEST\.in|SOURCES\.txt|RECORD)$")


class Mentions:
    """Looks for sources' names in everything that may list sources."""

    def __init__(self, project: Project) -> None:
        self.tree = project.tree
        self.included = {
            include.path.rpartition("/")[2]
            for file in project.native.values()
            for include in file.includes
        }
        self.known: dict[str, bool] = {}

    def is_unlisted(self, path: str) -> bool:
        """Return whether nothing in the tree names a source: no list, no script, no include."""
        is_compiled = path.endswith((".c", ".cc", ".cpp", ".cu", ".cxx", ".hip", ".mm"))
        is_included = path.rpartition("/")[2] in self.included
        return is_compiled and not is_included and not self.is_named(path)

    def is_named(self, path: str) -> bool:
        """Return whether a line that is no comment names a file, with any source's suffix.

        The name alone in quotes counts: scripts make `f"{name}.cu"` of it.
        """
        stem = posixpath.basename(path).partition(".")[0]
        if stem not in self.known:
            name = re.escape(stem).encode()
            expression = re.compile(
                rb"(?<![\w-])" + name + rb"\.(?:c|cc|cpp|cu|cxx|hip|mm)\b|[\"'/]" + name + rb"[\"']"
            )
            self.known[stem] = any(
                _holds(text, expression) for text in self._texts() if stem.encode() in text
            )
        return self.known[stem]

    def further(self, path: str, lists: Collection[tuple[str, int]]) -> str:
        """Return a file that names a source on another line than lists of it do; "" for none."""
        name = posixpath.basename(path).encode()
        whole = re.compile(rb"(?<![\w.-])" + re.escape(name) + rb"(?![\w.-])")
        for other, text in self._files():
            if name not in text or _BESIDE.search(other):
                continue
            for number, line in enumerate(text.splitlines(), start=1):
                is_said = whole.search(line) and not line.lstrip().startswith(_COMMENT)
                if is_said and (other, number) not in lists and not _PACKED.search(other):
                    return other
        return ""

    def _texts(self) -> Iterator[bytes]:
        for _, text in self._files():
            yield text

    def _files(self) -> Iterator[tuple[str, bytes]]:
        for path in self.tree.files:
            if _LISTING.search(path) and self.tree.is_readable(path):
                yield path, self.tree.read(path)


def _holds(text: bytes, expression: re.Pattern[bytes]) -> bool:
    return any(
        not text[text.rfind(b"\n", 0, found.start()) + 1 : found.start()]
        .lstrip()
        .startswith(_COMMENT)
        for found in expression.finditer(text)
    )
