"""Comments that accept a finding in place: `// opparity: allow(CODE) reason`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, TypeVar

from opparity.checker.facts.places import Location
from opparity.checker.facts.records import fact
from opparity.checker.rules.findings import Finding, Unknown
from opparity.checker.tree.contents import NATIVE_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opparity.checker.tree.contents import Tree

Result = TypeVar("Result", Finding, Unknown)

_MARK = re.compile(r"(?<![\w./-])opparity:(?!:)[ \t]*(.*)")
_ALLOW = re.compile(r"allow[ \t]*\(([^()]*)\)[ \t]*(.*)", re.IGNORECASE)
# Strings first, so that what looks like a comment inside one is none.
# What is not closed reaches to the end: a search for the end from every opening would be quadratic.
_NATIVE_COMMENT = re.compile(
    r'R"([^()\\\s]{0,16})\([\s\S]*?(?:\)\1"|\Z)'
    r'|"(?:[^"\\\n]|\\.)*"?'
    r"|'(?:[^'\\\n]|\\.)*'?"
    r"|(?P<comment>//[^\n]*|/\*[\s\S]*?(?:\*/|\Z))"
)
_HASH_COMMENT = re.compile(
    r'"(?:[^"\\]|\\[\s\S])*"?|#?\[(=*)\[[\s\S]*?(?:\]\1\]|\Z)|(?P<comment>#[^\n]*)'
)
# The standard tokenizer is quadratic in the length of a line: minutes for a megabyte of quotes.
_PYTHON_COMMENT = re.compile(
    r'"""(?:[^\\]|\\[\s\S])*?(?:"""|\Z)'
    r"|\'\'\'(?:[^\\]|\\[\s\S])*?(?:\'\'\'|\Z)"
    r'|"(?:[^"\\\n]|\\[\s\S])*"?'
    r"|'(?:[^'\\\n]|\\[\s\S])*'?"
    r"|(?P<comment>#[^\n]*)"
)
_LOOK_AHEAD = 20


@fact
class Suppression:
    """One comment.

    Attributes:
        location: where the comment starts.
        line: the line whose findings it accepts.
        codes: rules that it names; empty where the comment could not be understood.
        reason: why; empty where none is given.
    """

    location: Location
    line: int
    codes: tuple[str, ...]
    reason: str


def read_suppressions(tree: Tree) -> tuple[Suppression, ...]:
    """Return every comment of a tree's sources that addresses Opparity."""
    found: list[Suppression] = []
    for path in (*tree.native, *tree.marked(b"opparity:"), *_build_files(tree)):
        content = tree.read(path)
        if b"opparity:" in content:
            found.extend(suppressions_of(path, content.decode("utf-8", "replace")))
    return tuple(found)


def _build_files(tree: Tree) -> Iterator[str]:
    for path, place in tree.places.items():
        if place is not None and path.endswith(("CMakeLists.txt", ".cmake", "build.toml")):
            yield path


def suppressions_of(path: str, text: str) -> Iterator[Suppression]:
    """Yield the suppressions of one file's text."""
    lines = text.split("\n")
    for first, column, comment in _comments(path, text):
        for offset, line in enumerate(comment.split("\n")):
            marked = _MARK.search(line)
            if marked is None:
                continue
            row = first + offset
            start = column if offset == 0 else 1
            codes, reason = _parse(marked.group(1))
            yield Suppression(
                Location(path, row, start + marked.start()),
                _target(lines, row, column if offset == 0 else 1),
                codes,
                reason,
            )


def _parse(text: str) -> tuple[tuple[str, ...], str]:
    allowed = _ALLOW.match(text.strip())
    if allowed is None:
        return (), ""
    codes = tuple(word.strip().upper() for word in allowed.group(1).split(",") if word.strip())
    return codes, allowed.group(2).removesuffix("*/").strip().lstrip(":- ")


def _target(lines: list[str], row: int, column: int) -> int:
    """Return the line a comment speaks of: its own, or the next with code if it stands alone."""
    if lines[row - 1][: column - 1].strip():
        return row
    for following in range(row + 1, min(row + _LOOK_AHEAD, len(lines)) + 1):
        text = lines[following - 1].strip()
        if text and not text.startswith(("//", "/*", "*", "#")):
            return following
        # A directive of the preprocessor is code, though it starts as CMake's comments do.
        if text.startswith("#") and re.match(r"#\s*(if|el|endif|define|include|pragma)", text):
            return following
    return row


def _comments(path: str, text: str) -> Iterator[tuple[int, int, str]]:
    """Yield line, column and text of each comment that may address Opparity."""
    suffix = path[path.rfind(".") :].lower()
    pattern = _HASH_COMMENT
    if suffix in NATIVE_SUFFIXES:
        pattern = _NATIVE_COMMENT
    elif suffix == ".py":
        pattern = _PYTHON_COMMENT
    line, counted = 1, 0
    for found in pattern.finditer(text):
        if "opparity:" not in (found.group("comment") or ""):
            continue
        start = found.start()
        line += text.count("\n", counted, start)
        counted = start
        yield line, start - text.rfind("\n", 0, start), found.group("comment")


@fact
class Accepted(Generic[Result]):
    """A result, and the comment that accepts it."""

    result: Result
    by: Suppression


@fact
class Suppressed(Generic[Result]):
    """What is left of some results, what was accepted, and which suppressions were of use."""

    left: tuple[Result, ...]
    accepted: tuple[Accepted[Result], ...]
    used: frozenset[tuple[Location, str]]


def suppress(results: Iterable[Result], suppressions: Iterable[Suppression]) -> Suppressed[Result]:
    """Take away the results that a suppression with a reason accepts."""
    by_line: dict[tuple[str, int], list[Suppression]] = {}
    for each in suppressions:
        if each.reason:
            by_line.setdefault((each.location.path, each.line), []).append(each)
    left: list[Result] = []
    accepted: list[Accepted[Result]] = []
    used: set[tuple[Location, str]] = set()
    for result in results:
        accepting = [
            each
            for each in by_line.get((result.location.path, result.location.line), ())
            if result.rule in each.codes
        ]
        if accepting:
            used.update((each.location, result.rule) for each in accepting)
            accepted.append(Accepted(result, accepting[0]))
        else:
            left.append(result)
    return Suppressed(tuple(left), tuple(accepted), frozenset(used))
