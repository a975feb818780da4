"""The preprocessor's conditions of a file, line by line; no directive is ever executed.

The grammar knows `#if` only where it does not split a construct, so conditions come from the
lines themselves: exact for every line of every file, whatever the parser makes of the rest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice

from opparity.checker.facts.conditions import (
    ALWAYS,
    UNDECIDED,
    Comparison,
    Condition,
    Constant,
    Defined,
    Not,
    Predicate,
    atoms,
    conjunction,
    disjunction,
    negation,
    truth_of,
)
from opparity.checker.facts.native import Include, MacroDefinition, MacroTest
from opparity.checker.facts.numbers import c_number
from opparity.checker.facts.places import Location

_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*([a-z_]+)[ \t]*(.*)$")
_TOKEN = re.compile(
    r"\s*(?:([A-Za-z_]\w*)|(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)[uUlL]*|(&&|\|\||[<>=!]=|[()!<>]|.))"
)
# C++ has words for these.
_ALTERNATIVES = {"and": "&&", "or": "||", "not": "!"}
_COMMENT = re.compile(r"//.*$|/\*.*?\*/|/\*.*$")
_STRING_OR_COMMENT = re.compile(
    r'"(?:[^"\\]|\\.)*+"?|//.*|/\*(?:[^*]|\*(?!/))*+(?:\*/|(?P<open>\Z))'
)
_DEEPEST = 100
_LONGEST_VALUE = 200
_LONGEST_REGISTERING = 4000
_CALLED = re.compile(r"\b(?!defined\b)([A-Za-z]\w{3,})\s*+\(")
# Of an expression; each of its tests is looked at for each line that stands under it.
_MOST_WORDS = 1000
# Of all conditions around a line.
_MOST_ATOMS = 150


@dataclass(slots=True)
class Directives:
    """What the directives of a file say.

    Attributes:
        starts: lines (from 1) at which another condition begins to hold, ascending.
        conditions: the conditions, parallel to `starts`.
    """

    starts: list[int] = field(default_factory=lambda: [1])
    conditions: list[Condition] = field(default_factory=lambda: [ALWAYS])
    macro_tests: list[MacroTest] = field(default_factory=list)
    macro_calls: list[MacroTest] = field(default_factory=list)
    macro_definitions: list[MacroDefinition] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)

    def condition_at(self, line: int) -> Condition:
        """Return the condition under which a line is compiled."""
        low, high = 0, len(self.starts)
        while high - low > 1:
            middle = (low + high) // 2
            if self.starts[middle] <= line:
                low = middle
            else:
                high = middle
        return self.conditions[low]


@dataclass(slots=True)
class _Branch:
    """An open `#if`: the condition now, and the negations of the branches before it."""

    now: Condition
    excluded: list[Condition]
    own: Condition
    has_else: bool = False
    size: int = 1


class _Scanner:
    def __init__(self, path: str) -> None:
        self.path = path
        self.result = Directives()
        self.open: list[_Branch] = []

    def directive(self, keyword: str, rest: str, line: int, after: int) -> None:
        """Take one directive; what it changes holds from the line `after`."""
        location = Location(self.path, line)
        match keyword:
            case "if" | "ifdef" | "ifndef":
                own = self._condition(keyword, rest, location)
                self.open.append(_Branch(own, [], own, size=_size(own)))
            case "elif" | "elifdef" | "elifndef" if self.open:
                branch = self.open[-1]
                branch.excluded.append(negation(branch.own))
                branch.own = self._condition(keyword.removeprefix("el"), rest, location)
                is_odd = branch.has_else or len(branch.excluded) > _DEEPEST
                branch.now = UNDECIDED if is_odd else conjunction(*branch.excluded, branch.own)
                branch.size = _size(branch.now)
            case "else" if self.open:
                branch = self.open[-1]
                branch.excluded.append(negation(branch.own))
                # A second one is no C++.
                is_odd = branch.has_else or len(branch.excluded) > _DEEPEST
                branch.now = UNDECIDED if is_odd else conjunction(*branch.excluded)
                branch.size = _size(branch.now)
                branch.has_else = True
            case "endif" if self.open:
                self.open.pop()
            case "define":
                self._define(rest, location)
                if not self._closes_guard(rest):
                    return
            case "include":
                included = rest.strip()
                if included[:1] in {'"', "<"}:
                    name = included[1:].split('"')[0].split(">")[0]
                    self.result.includes.append(Include(name, location, self._current()))
                return
            case _:
                return
        self.result.starts.append(after)
        self.result.conditions.append(self._current())

    def _current(self) -> Condition:
        if len(self.open) > _DEEPEST:
            return UNDECIDED
        parts = [branch.now for branch in self.open]
        size = sum(branch.size for branch in self.open)
        return UNDECIDED if size > _MOST_ATOMS else conjunction(*parts)

    def _closes_guard(self, rest: str) -> bool:
        """Take the file's first `#ifndef NAME` and `#define NAME` as no condition.

        The compiler sees what follows exactly once.
        """
        if len(self.open) != 1 or len(self.result.starts) != 2:  # noqa: PLR2004 -- before and in it
            return False
        if self.open[0].now != Not(Defined(rest.strip())):
            return False
        self.open[0] = _Branch(ALWAYS, [], ALWAYS)
        return True

    def _condition(self, keyword: str, rest: str, location: Location) -> Condition:
        if keyword == "if":
            condition = parse_expression(rest)
        else:
            name = rest.split(maxsplit=1)[0] if rest.split() else ""
            condition = Defined(name) if name.isidentifier() else UNDECIDED
            condition = negation(condition) if keyword == "ifndef" else condition
        for atom in atoms(condition):
            names = [atom.macro] if isinstance(atom, Defined) else []
            if isinstance(atom, Comparison):
                names = [side for side in (atom.left, atom.right) if side.isidentifier()]
            self.result.macro_tests.extend(MacroTest(name, location) for name in names)
        if keyword == "if" and "(" in rest:
            called = _CALLED.findall(_STRING_OR_COMMENT.sub("", rest))
            self.result.macro_calls.extend(MacroTest(name, location) for name in called)
        return condition

    def _define(self, rest: str, location: Location) -> None:
        found = re.match(r"([A-Za-z_]\w*)(\()?", rest)
        if found:
            name = found.group(1)
            value = rest[found.end(1) :].strip()
            self.result.macro_definitions.append(
                MacroDefinition(name, _kept(value), location, self._current(), bool(found.group(2)))
            )


def _size(condition: Condition) -> int:
    """Return how many tests a condition has, none more than are too many."""
    return sum(1 for _ in islice(atoms(condition), _MOST_ATOMS + 1))


def _kept(value: str) -> str:
    """Return as much of a macro's value as readers want: one that registers, to its end."""
    registers = ".impl(" in value or ".def(" in value or "TORCH_LIBRARY" in value
    return value[: _LONGEST_REGISTERING if registers else _LONGEST_VALUE]


def read_directives(path: str, text: str) -> Directives:
    """Return a file's conditions, macros and includes."""
    scanner = _Scanner(path)
    if "#" not in text:
        return scanner.result
    lines = text.split("\n")
    count = len(lines)
    number = 0  # of lines that are done with
    for index in [index for index, line in enumerate(lines) if "#" in line or "/*" in line]:
        if index < number:
            continue
        line = lines[index]
        number = index + 1
        found = _DIRECTIVE.match(line)
        if found:
            pieces = [found.group(2).rstrip("\r")]
            while pieces[-1].endswith("\\") and number < count:
                pieces[-1] = pieces[-1][:-1]
                pieces.append(lines[number].rstrip("\r"))
                number += 1
            rest = _COMMENT.sub(" ", " ".join(pieces)).strip()
            scanner.directive(found.group(1), rest, index + 1, number + 1)
        if "/*" in line and _opens_comment(line):
            while number < count and "*/" not in lines[number]:
                number += 1
            number += 1
    return scanner.result


def _opens_comment(line: str) -> bool:
    """Return whether a line ends inside a block comment that it opens."""
    return any(found["open"] is not None for found in _STRING_OR_COMMENT.finditer(line))


@lru_cache(maxsize=10_000)
def parse_expression(text: str) -> Condition:
    """Return the condition of an `#if`; what is no comparison of names and numbers is UNKNOWN."""
    return _Expression(text).parse()


class _Expression:
    """A recursive descent over `||`, `&&`, `!`, comparisons, names, numbers and `defined`."""

    def __init__(self, text: str) -> None:
        found = islice(_TOKEN.finditer(text), _MOST_WORDS + 1)
        words = [match[match.lastindex] for match in found if match.lastindex]
        self.words = [_ALTERNATIVES.get(word, word) for word in words]
        self.is_long = len(words) > _MOST_WORDS
        self.position = 0

    def parse(self) -> Condition:
        if self.is_long:
            return UNDECIDED
        try:
            condition: Condition | None = self._disjunction(0)
        except _NotUnderstoodError:
            condition = None
        if condition is None or self.position != len(self.words):
            self.position = len(self.words)
            return self._unread(0)
        return condition

    def _unread(self, start: int) -> Condition:
        """Return what is not understood as one test: it is the same wherever it is written."""
        return Predicate("expression", (" ".join(self.words[start : self.position]),))

    def _peek(self) -> str:
        return self.words[self.position] if self.position < len(self.words) else ""

    def _next(self) -> str:
        word = self._peek()
        self.position += 1
        return word

    def _disjunction(self, depth: int) -> Condition:
        if depth > _DEEPEST:
            raise _NotUnderstoodError
        operands = [self._conjunction(depth)]
        while self._peek() == "||":
            self._next()
            operands.append(self._conjunction(depth))
        return disjunction(*operands)

    def _conjunction(self, depth: int) -> Condition:
        operands = [self._unary(depth)]
        while self._peek() == "&&":
            self._next()
            operands.append(self._unary(depth))
        return conjunction(*operands)

    def _unary(self, depth: int) -> Condition:
        inverted = False
        while self._peek() == "!":
            self._next()
            inverted = not inverted
        condition = self._primary(depth)
        return negation(condition) if inverted else condition

    def _primary(self, depth: int) -> Condition:
        if self._peek() == "(":
            start = self.position
            self._next()
            inner = self._disjunction(depth + 1)
            if self._next() != ")":
                raise _NotUnderstoodError
            return self._comparison_of_group(inner, start)
        start = self.position
        left = self._next()
        if left == "defined":
            return self._defined()
        if not (left.isidentifier() or _starts_number(left)):
            raise _NotUnderstoodError
        if left.isidentifier() and self._peek() == "(":
            self._skip_call()
            left = ""
        operator, right = "!=", "0"
        if self._peek() in {"==", "!=", "<", ">", "<=", ">="}:
            operator, right = self._next(), self._next()
        if not left or not (right.isidentifier() or _starts_number(right)):
            self._skip_to_connective()
            return self._unread(start)
        if self._peek() not in {"", "&&", "||", ")"}:
            self._skip_to_connective()
            return self._unread(start)
        return _comparison(left, operator, right)

    def _comparison_of_group(self, inner: Condition, start: int) -> Condition:
        if self._peek() in {"", "&&", "||", ")"}:
            return inner
        self._skip_to_connective()
        return self._unread(start)

    def _defined(self) -> Condition:
        name = self._next()
        if name == "(":
            name = self._next()
            if self._next() != ")":
                raise _NotUnderstoodError
        if not name.isidentifier():
            raise _NotUnderstoodError
        return Defined(name)

    def _skip_call(self) -> None:
        depth = 0
        while self._peek():
            word = self._next()
            depth += (word == "(") - (word == ")")
            if depth == 0:
                return

    def _skip_to_connective(self) -> None:
        depth = 0
        while self._peek():
            word = self._peek()
            if depth == 0 and word in {"&&", "||", ")"}:
                return
            depth += (word == "(") - (word == ")")
            self._next()


class _NotUnderstoodError(Exception):
    """The text is no expression that this reader knows."""


def _comparison(left: str, operator: str, right: str) -> Condition:
    if not (_starts_number(left) and _starts_number(right)):
        return Comparison(left, operator, right)
    first, second = c_number(left), c_number(right)
    if first is None or second is None:
        return Predicate("expression", (f"{left} {operator} {right}",))
    return Constant(truth_of(compare_numbers(first, operator, second)))


def _starts_number(word: str) -> bool:
    return word[:1].isascii() and word[:1].isdigit()


def compare_numbers(left: int, operator: str, right: int) -> bool:
    """Return `left operator right`."""
    return {
        "==": left == right,
        "!=": left != right,
        "<": left < right,
        ">": left > right,
        "<=": left <= right,
        ">=": left >= right,
    }[operator]
