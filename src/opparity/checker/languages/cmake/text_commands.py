"""CMake's commands on text: string, list, math, paths. Pure functions of values."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from opparity.checker.facts.numbers import whole_number
from opparity.checker.languages.cmake.values import (
    LONGEST_VALUE,
    UNKNOWN,
    compile_regex,
    is_decided,
    joined,
    matches_replaced,
    natural_key,
    replaced,
    search,
    undoubted,
)
from opparity.checker.languages.interpreting import charge_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def string_command(arguments: Sequence[str]) -> dict[str, str]:
    """Return the variables that `string(…)` sets."""
    if len(arguments) < 2:  # noqa: PLR2004 -- an operation and one operand
        return {}
    operation, *rest = arguments
    if operation == "REGEX":
        return _regex(rest)
    if operation in {"APPEND", "PREPEND"}:
        return {}  # needs the old value: the machine does it
    handler = _STRING.get(operation)
    try:
        return handler(rest) if handler else {}
    except (IndexError, ValueError):
        return {}


def _to_upper(rest: Sequence[str]) -> dict[str, str]:
    return {rest[1]: rest[0].upper()}


def _to_lower(rest: Sequence[str]) -> dict[str, str]:
    return {rest[1]: rest[0].lower()}


def _replace(rest: Sequence[str]) -> dict[str, str]:
    old, new, output, *inputs = rest
    text = joined("", inputs)
    return {output: replaced(text, old, new) if old else text}


def _repeat(rest: Sequence[str]) -> dict[str, str]:
    text, count, output = rest[:3]
    number = _number(count)
    fits = is_decided(text) and len(text) * number <= LONGEST_VALUE
    return {output: text * number if fits else UNKNOWN}


def _find(rest: Sequence[str]) -> dict[str, str]:
    text, part, output = rest[:3]
    position = text.rfind(part) if "REVERSE" in rest[3:] else text.find(part)
    if not (is_decided(text) and is_decided(part)):
        return {output: UNKNOWN}
    return {output: str(position)}


def _strip(rest: Sequence[str]) -> dict[str, str]:
    return {rest[1]: rest[0].strip()}


def _length(rest: Sequence[str]) -> dict[str, str]:
    return {rest[1]: str(len(rest[0])) if is_decided(rest[0]) else UNKNOWN}


def _substring(rest: Sequence[str]) -> dict[str, str]:
    text, start, length, output = rest[:4]
    if not is_decided(text):
        return {output: UNKNOWN}
    first, size = _number(start), _number(length)
    return {output: text[first : None if size < 0 else first + size]}


def _concat(rest: Sequence[str]) -> dict[str, str]:
    return {rest[0]: joined("", rest[1:])}


def _join(rest: Sequence[str]) -> dict[str, str]:
    return {rest[1]: joined(rest[0], rest[2:])}


def _configure(rest: Sequence[str]) -> dict[str, str]:
    return {rest[1]: UNKNOWN}


def _compare(rest: Sequence[str]) -> dict[str, str]:
    kind, left, right, output = rest[:4]
    if not (is_decided(left) and is_decided(right)):
        return {output: UNKNOWN}
    outcome = {"EQUAL": left == right, "NOTEQUAL": left != right, "LESS": left < right}.get(kind)
    return {output: UNKNOWN if outcome is None else ("1" if outcome else "0")}


def _unknown_last(rest: Sequence[str]) -> dict[str, str]:
    return {rest[-1]: UNKNOWN}


def _unknown_first(rest: Sequence[str]) -> dict[str, str]:
    return {rest[0]: UNKNOWN}


_STRING: dict[str, Callable[[Sequence[str]], dict[str, str]]] = {
    "TOUPPER": _to_upper,
    "TOLOWER": _to_lower,
    "REPLACE": _replace,
    "REPEAT": _repeat,
    "FIND": _find,
    "STRIP": _strip,
    "LENGTH": _length,
    "SUBSTRING": _substring,
    "CONCAT": _concat,
    "JOIN": _join,
    "CONFIGURE": _configure,
    "COMPARE": _compare,
    "MAKE_C_IDENTIFIER": lambda rest: {rest[1]: re.sub(r"\W", "_", rest[0])},
    "GENEX_STRIP": _unknown_last,
    "MD5": _unknown_first,
    "SHA1": _unknown_first,
    "SHA256": _unknown_first,
    "TIMESTAMP": _unknown_first,
    "RANDOM": _unknown_last,
    "UUID": _unknown_first,
    "JSON": _unknown_first,
}


def _regex(rest: Sequence[str]) -> dict[str, str]:
    if len(rest) < 4:  # noqa: PLR2004 -- operation, pattern, output, input
        return {rest[2]: ""} if len(rest) == 3 else {}  # noqa: PLR2004
    operation, pattern = rest[:2]
    if operation == "REPLACE":
        new, output = rest[2:4]
        return {output: matches_replaced(pattern, new, joined("", rest[4:]))}
    output, subject = rest[2], joined("", rest[3:])
    found = search(pattern, subject)
    if isinstance(found, str):
        return {output: UNKNOWN}
    if operation == "MATCHALL":
        compiled = compile_regex(pattern)
        matches = [match.group(0) for match in compiled.finditer(subject)] if compiled else []
        return {output: joined(";", matches)}
    if found is None:
        return {output: "", **match_variables([])}
    groups = [found.group(0), *(group or "" for group in found.groups())]
    return {output: found.group(0), **match_variables(groups)}


def match_variables(groups: Sequence[str]) -> dict[str, str]:
    """Return what a match sets: the whole and its groups, and the number of the last with text."""
    numbered = {f"CMAKE_MATCH_{index}": group for index, group in enumerate(groups)}
    last = max((index for index, group in enumerate(groups) if group), default=0)
    return {**numbered, "CMAKE_MATCH_COUNT": str(last)}


def _number(text: str) -> int:
    number = whole_number(text)
    if number is None:
        raise ValueError
    return number


def list_command(operation: str, old: list[str], rest: Sequence[str]) -> dict[str, str] | None:
    """Return what `list(operation VAR …)` sets, "" for VAR itself; None if it is not known."""
    handler = _LIST.get(operation)
    if handler is None:
        return None
    try:
        return handler(old, rest)
    except (IndexError, ValueError):
        return {}


def _whole(elements: Sequence[str]) -> dict[str, str]:
    return {"": joined(";", elements)}


def _remove_item(old: list[str], rest: Sequence[str]) -> dict[str, str]:
    gone = set(rest)
    return _whole([element for element in old if undoubted(element)[0] not in gone])


def _filter(old: list[str], rest: Sequence[str]) -> dict[str, str]:
    mode, _, pattern = rest[:3]
    compiled = compile_regex(pattern)
    if compiled is None:
        return _whole([UNKNOWN])
    charge_text(10 * sum(map(len, old)))
    keep = mode == "INCLUDE"
    return _whole([item for item in old if bool(compiled.search(undoubted(item)[0])) == keep])


def _transform(old: list[str], rest: Sequence[str]) -> dict[str, str]:
    action, *details = rest
    output = details[details.index("OUTPUT_VARIABLE") + 1] if "OUTPUT_VARIABLE" in details else ""
    if len(old) * max(map(len, details), default=0) > LONGEST_VALUE:
        return {output: UNKNOWN}
    changed = []
    for item in old:
        text, doubtful = undoubted(item)
        match action:
            case "PREPEND":
                text = details[0] + text
            case "APPEND":
                text += details[0]
            case "REPLACE":
                text = matches_replaced(details[0], details[1], text)
            case "TOUPPER":
                text = text.upper()
            case "TOLOWER":
                text = text.lower()
            case "STRIP":
                text = text.strip()
        changed.append(text + item[len(undoubted(item)[0]) :] if doubtful else text)
    return {output: joined(";", changed)}


def _sort(old: list[str], rest: Sequence[str]) -> dict[str, str]:
    key = natural_key if "NATURAL" in rest else None
    ordered = sorted(old, key=key) if key else sorted(old)
    return _whole(ordered[::-1] if "DESCENDING" in rest else ordered)


def _get(old: list[str], rest: Sequence[str]) -> dict[str, str]:
    *indices, output = rest
    if not all(map(is_decided, old)):
        return {output: UNKNOWN}
    return {output: joined(";", [old[_number(index)] for index in indices])}


def _find_item(old: list[str], rest: Sequence[str]) -> dict[str, str]:
    item, output = rest[:2]
    if item in old:
        return {output: str(old.index(item))}
    return {output: "-1" if all(map(is_decided, [item, *old])) else UNKNOWN}


def _list_length(old: list[str], rest: Sequence[str]) -> dict[str, str]:
    return {rest[0]: str(len(old)) if all(map(is_decided, old)) else UNKNOWN}


def _sublist(old: list[str], rest: Sequence[str]) -> dict[str, str]:
    start, length, output = _number(rest[0]), _number(rest[1]), rest[2]
    return {output: ";".join(old[start:] if length < 0 else old[start : start + length])}


def _pop(old: list[str], rest: Sequence[str], index: int) -> dict[str, str]:
    left = list(old)
    items = [left.pop(index) for _ in rest or ("",) if left]
    return {**dict(zip(rest, items, strict=False)), **_whole(left)}


def _insert(old: list[str], rest: Sequence[str]) -> dict[str, str]:
    index = _number(rest[0])
    return _whole([*old[:index], *rest[1:], *old[index:]])


def _remove_at(old: list[str], rest: Sequence[str]) -> dict[str, str]:
    gone = {_number(index) % len(old) for index in rest} if old else set()
    return _whole([item for index, item in enumerate(old) if index not in gone])


_LIST: dict[str, Callable[[list[str], Sequence[str]], dict[str, str]]] = {
    "APPEND": lambda old, rest: _whole([*old, *rest]),
    "PREPEND": lambda old, rest: _whole([*rest, *old]),
    "REMOVE_ITEM": _remove_item,
    "REMOVE_DUPLICATES": lambda old, _: _whole(list(dict.fromkeys(old))),
    "FILTER": _filter,
    "TRANSFORM": _transform,
    "SORT": _sort,
    "REVERSE": lambda old, _: _whole(old[::-1]),
    "GET": _get,
    "FIND": _find_item,
    "LENGTH": _list_length,
    "JOIN": lambda old, rest: {rest[1]: joined(rest[0], old)},
    "SUBLIST": _sublist,
    "POP_FRONT": lambda old, rest: _pop(old, rest, 0),
    "POP_BACK": lambda old, rest: _pop(old, rest, -1),
    "INSERT": _insert,
    "REMOVE_AT": _remove_at,
}


def filename_component(path: str, mode: str, base: str) -> str:
    """Return the part of a path that `get_filename_component` asks for."""
    match mode:
        case "DIRECTORY" | "PATH":
            return posixpath.dirname(path)
        case "NAME":
            return posixpath.basename(path)
        case "NAME_WE":
            return posixpath.basename(path).partition(".")[0]
        case "NAME_WLE":
            return posixpath.splitext(posixpath.basename(path))[0]
        case "EXT":
            name = posixpath.basename(path)
            return name[name.index(".") :] if "." in name else ""
        case "LAST_EXT":
            return posixpath.splitext(path)[1]
        case "ABSOLUTE" | "REALPATH":
            return posixpath.normpath(posixpath.join(base, path))
        case _:
            return UNKNOWN


def calculate(expression: str) -> str:
    """Return the value of `math(EXPR)`; UNKNOWN for what is no arithmetic of small numbers."""
    if not re.fullmatch(r"[0-9\s()+*/%-]{1,60}", expression) or "**" in expression:
        return UNKNOWN
    words = re.findall(r"[0-9]+|[()+*/%-]", expression)
    try:
        value, rest = _sum(words, 0)
    except (IndexError, ValueError, ZeroDivisionError):
        return UNKNOWN
    return str(value) if rest == len(words) else UNKNOWN


def _sum(words: list[str], at: int) -> tuple[int, int]:
    value, at = _product(words, at)
    while at < len(words) and words[at] in "+-":
        other, following = _product(words, at + 1)
        value = value + other if words[at] == "+" else value - other
        at = following
    return value, at


def _product(words: list[str], at: int) -> tuple[int, int]:
    value, at = _atom(words, at)
    while at < len(words) and words[at] in "*/%":
        other, following = _atom(words, at + 1)
        operator = words[at]
        if operator == "*":
            value *= other
        else:
            value = value // other if operator == "/" else value % other
        at = following
    return value, at


def _atom(words: list[str], at: int) -> tuple[int, int]:
    if words[at] == "(":
        value, at = _sum(words, at + 1)
        return value, at + 1
    if words[at] == "-":
        value, at = _atom(words, at + 1)
        return -value, at
    return int(words[at]), at + 1
