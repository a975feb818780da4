"""What is read from the text itself, without the grammar: calls, masks, doubtful definitions."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from opparity.checker.facts.native import Definition, LaneMask, Reference, Signature
from opparity.checker.facts.places import Location
from opparity.checker.languages.cpp.preprocessor import read_directives

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.native import NativeFile

_COMMENT_OR_STRING = re.compile(
    r"//[^\n]*|/\*.*?(?:\*/|\Z)|\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\\\n]|\\.){1,4}'", re.DOTALL
)
_LANE_MASK = re.compile(
    r"(__(?<!\w__)(?:shfl(?:_up|_down|_xor)?|ballot|any|all|match_any|match_all)_sync)\s*\(\s*"
    r"(0[xX][fF]{8}[uUlL]*)\s*,"
)
# The next two are for text that is read backwards: from the bracket to the name before it. Forwards
# each name would be tried, at five times the cost.
# A name that is called, called with template arguments, or launched.
_CALLED = re.compile(r"[(<]\s*+(\w++)(?![.>])")
# `name(…) {`: what a definition looks like where the grammar has lost its way.
_LOOKS_DEFINED = re.compile(
    r"\{(?:\s|tsnoc|tpecxeon|edirrevo)*+"
    r"\)(?:[^;{}()]++|\)(?:[^;{}()]++|\)[^;{}()]*+\()*+\()*+\(\s*+(\w++)(?![.>])"
)
_ADDRESS = re.compile(r"&\s*+(?:\w++\s*+::\s*+)*([A-Za-z_]\w*+)")
_QUALIFIER = r"(?:\w++\s*+::\s*+)*+"
_WORD = re.compile(r"\w+")
# A plain text first: with the boundary before it vLLM 0.33.0 takes 0.09 s instead of 0.01.
_USING = re.compile(r"using(?<!\wusing)\s++(namespace\s++)?((?:\w++\s*+::\s*+)*+\w++)\s*+;")
_NEVER_FUNCTIONS = frozenset({"if", "for", "while", "switch", "catch", "defined", "return"})


def without_comments(text: str) -> str:
    """Return the text with comments and literals blanked; lines keep their numbers."""
    return _COMMENT_OR_STRING.sub(_blank, text)


def with_literals(text: str) -> str:
    """Return the text with comments blanked and literals kept; lines keep their numbers."""
    return _COMMENT_OR_STRING.sub(_blank_comment, text)


def _blank_comment(found: re.Match[str]) -> str:
    return _blank(found) if found.group().startswith("/") else found.group()


def _blank(found: re.Match[str]) -> str:
    return "\n" * found.group().count("\n") or " "


def line_finder(text: str) -> Callable[[int], int]:
    """Return the function from an offset to its line, which looks for lines when first asked."""
    starts: list[int] = []

    def find(offset: int) -> int:
        if not starts:
            starts.extend((0, *(found.end() for found in re.finditer("\n", text))))
        return bisect_right(starts, offset)

    return find


def called_names(clean: str) -> frozenset[str]:
    """Return every name that is called or whose address is taken."""
    backwards = {name for name in set(_CALLED.findall(clean[::-1])) if _starts_name(name[-1])}
    return frozenset({name[::-1] for name in backwards} | set(_ADDRESS.findall(clean)))


def opened_namespaces(clean: str) -> tuple[tuple[str, ...], ...]:
    """Return the namespaces that a using-directive opens, or a using-declaration takes from."""
    found: dict[tuple[str, ...], None] = {}
    for using in _USING.finditer(clean) if "using " in clean else ():
        parts = tuple(_WORD.findall(using[2]))
        found[parts if using[1] else parts[:-1]] = None
    return tuple(found)


def _starts_name(character: str) -> bool:
    return character.isascii() and not character.isdigit()


def references_to(
    file: NativeFile, text: str, names: frozenset[str], further: frozenset[str] = frozenset()
) -> Iterator[Reference]:
    """Yield the uses of some names in a file, once per condition and enclosing function.

    Of `further` names those count as well that are called on an object, or passed as an argument.
    """
    wanted = names & file.called
    if not wanted and not further:
        return
    clean = without_comments(text)
    condition_at = read_directives(file.path, text).condition_at
    line_of = line_finder(clean)
    enclosing = enclosing_finder(file.definitions)
    expression = re.compile("|".join(_uses_of(wanted, further)))
    seen: set[tuple[str, Condition, str, tuple[str, ...]]] = set()
    for found in expression.finditer(clean):
        name = next(filter(None, found.groups()[1::2]))
        qualifier = tuple(_WORD.findall(next(filter(None, found.groups()[::2]), "")))
        line = line_of(found.start())
        around = enclosing(line)
        if around is None or around.signature.name == name:
            continue  # a prototype, or the head of the definition itself
        key = (name, condition_at(line), around.signature.qualified, qualifier)
        if key not in seen and not in_directive(clean, found.start()):
            seen.add(key)
            yield Reference(
                name,
                Location(file.path, line),
                key[1],
                inside=around.signature.qualified,
                is_in_template=around.is_template,
                is_in_inline=around.is_inline,
                qualifier=qualifier,
            )


def _uses_of(names: frozenset[str], further: frozenset[str]) -> Iterator[str]:
    """Yield expressions of two groups each: the qualifier of a name that is used, and the name."""
    if names:
        qualified = rf"({_QUALIFIER})({_one_of(names)})"
        yield rf"(?<![\w.>]){qualified}\s*(?=[(<])"
        yield rf"&\s*{qualified}\b"
    if further:
        yield rf"(?:\.|->)\s*()({_one_of(further)})\s*(?=\()"
        yield rf"(?<=[(,])\s*({_QUALIFIER})({_one_of(further)})\s*(?=[,)])"


def _one_of(names: frozenset[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names))


def is_variable(clean: str, name: str) -> bool:
    """Return whether a text declares a variable or a parameter of a name."""
    return bool(re.search(rf"[\w>&*]\s+[&*]*{re.escape(name)}\s*[=;,)\[{{:]", clean))


def enclosing_finder(definitions: Iterable[Definition]) -> Callable[[int], Definition | None]:
    """Return the function from a line to the definition whose body it is in."""
    spans = sorted(
        ((d.location.line, d.end_line, d) for d in definitions if d.end_line),
        key=lambda span: span[:2],
    )
    starts = [span[0] for span in spans]

    def find(line: int) -> Definition | None:
        index = bisect_right(starts, line) - 1
        return spans[index][2] if index >= 0 and line <= spans[index][1] else None

    return find


def lane_masks(
    path: str,
    clean: str,
    line_of: Callable[[int], int],
    condition_at: Callable[[int], Condition],
    definitions: Iterable[Definition],
) -> Iterator[LaneMask]:
    """Yield the warp functions that are given a mask of 32 bits."""
    if "_sync" not in clean:
        return
    enclosing = enclosing_finder(definitions)
    for found in _LANE_MASK.finditer(clean):
        line = line_of(found.start())
        if in_directive(clean, found.start()):
            continue
        around = enclosing(line)
        yield LaneMask(
            function=found.group(1),
            mask=found.group(2),
            location=Location(path, line),
            condition=condition_at(line),
            inside=around.signature.name if around else "",
            is_in_template=around is None or around.is_template or around.is_inline,
        )


def in_directive(text: str, offset: int) -> bool:
    """Return whether a place is in a `#define` or another directive, continued lines included."""
    start = text.rfind("\n", 0, offset) + 1
    while start > 1 and text[start - 2] == "\\":
        start = text.rfind("\n", 0, start - 1) + 1
    return text[start:offset].lstrip().startswith("#")


def guessed_definitions(
    path: str,
    clean: str,
    line_of: Callable[[int], int],
    condition_at: Callable[[int], Condition],
    known: Iterable[Definition],
) -> Iterator[Definition]:
    """Yield what looks like a definition and was not parsed as one."""
    parsed = {(definition.signature.name, definition.condition) for definition in known}
    for found in reversed(list(_LOOKS_DEFINED.finditer(clean[::-1]))):
        name = found.group(1)[::-1]
        if name in _NEVER_FUNCTIONS or name.isupper() or not _starts_name(name[0]):
            continue
        line = line_of(len(clean) - found.end())
        condition = condition_at(line)
        if (name, condition) not in parsed:
            yield Definition(
                Signature(name, (), (), ""), Location(path, line), condition, is_guessed=True
            )
