"""CMake's `if`: three-valued, since variables of found packages are not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth, all_of, any_of, truth_of
from opparity.checker.languages.cmake.values import (
    UNKNOWN,
    compare_versions,
    is_decided,
    is_false_constant,
    is_number,
    is_true_constant,
    search,
    split_list,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    class World(Protocol):
        """What a condition may ask of the evaluation."""

        def lookup(self, name: str) -> str | None:
            """Return a variable's value; None where it is not defined."""

        def weighed(self, value: str) -> str:
            """Return a value, having counted the time that it takes to take it apart."""

        def exists(self, path: str) -> Truth:
            """Return whether a path exists."""

        def is_file(self, path: str) -> bool:
            """Return whether a path is a file of the tree."""

        def has_target(self, name: str) -> Truth:
            """Return whether a target exists."""

        def has_command(self, name: str) -> Truth:
            """Return whether a command exists."""

        def matched(self, groups: Sequence[str]) -> None:
            """Take the groups of a match, for CMAKE_MATCH_<n>."""


Token = tuple[str, bool]  # text, and whether it was quoted

_UNARY = frozenset(
    {
        "EXISTS",
        "COMMAND",
        "DEFINED",
        "TARGET",
        "POLICY",
        "TEST",
        "IS_DIRECTORY",
        "IS_SYMLINK",
        "IS_ABSOLUTE",
        "IS_READABLE",
        "IS_WRITABLE",
        "IS_EXECUTABLE",
    }
)
_TEXT: dict[str, Callable[[int], bool]] = {
    "STREQUAL": lambda order: order == 0,
    "STRLESS": lambda order: order < 0,
    "STRGREATER": lambda order: order > 0,
    "STRLESS_EQUAL": lambda order: order <= 0,
    "STRGREATER_EQUAL": lambda order: order >= 0,
}
_SUFFIXES: dict[str, Callable[[int], bool]] = {
    "EQUAL": lambda order: order == 0,
    "LESS": lambda order: order < 0,
    "GREATER": lambda order: order > 0,
    "LESS_EQUAL": lambda order: order <= 0,
    "GREATER_EQUAL": lambda order: order >= 0,
}
_VERSIONS = {f"VERSION_{name}": test for name, test in _SUFFIXES.items()}
_BINARY = frozenset(
    {*_TEXT, *_SUFFIXES, *_VERSIONS, "MATCHES", "IN_LIST", "PATH_EQUAL", "IS_NEWER_THAN"}
)
_COMBINED: dict[str, Callable[[Sequence[Truth]], Truth]] = {"AND": all_of, "OR": any_of}
_DEEPEST = 60


class ConditionReader:
    """Evaluates the arguments of one `if`.

    Attributes:
        asked_undefined: a variable that nothing defines, or a file that is not there, decided
            something; a person who builds may have to set or fetch it.
    """

    def __init__(self, tokens: Sequence[Token], world: World) -> None:
        self.tokens = tokens
        self.world = world
        self.position = 0
        self.depth = 0
        self.asked_undefined = False

    def evaluate(self) -> Truth:
        """Return the condition's truth; UNKNOWN for what is no condition."""
        truth = self._compound()
        return truth if self.position >= len(self.tokens) else Truth.UNKNOWN

    def _word(self) -> str:
        """Return the next token if it is not quoted."""
        if self.position < len(self.tokens) and not self.tokens[self.position][1]:
            return self.tokens[self.position][0]
        return ""

    def _compound(self) -> Truth:
        self.depth += 1
        truths, operators = [self._not()], []
        while (operator := self._word()) in _COMBINED:
            self.position += 1
            operators.append(operator)
            truths.append(self._not())
        self.depth -= 1
        by_pairs, by_order = _in_pairs(truths, operators), _and_first(truths, operators)
        return by_pairs if by_pairs is by_order else Truth.UNKNOWN

    def _not(self) -> Truth:
        inverted = False
        while self._word() == "NOT":
            self.position += 1
            inverted = not inverted
        truth = self._primary()
        return truth.negate() if inverted else truth

    def _primary(self) -> Truth:
        if self.position >= len(self.tokens) or self.depth > _DEEPEST:
            self.position += 1
            return Truth.UNKNOWN
        word = self._word()
        if word == "(":
            self.position += 1
            truth = self._compound()
            self.position += 1
            return truth
        following = self.tokens[self.position + 1] if self.position + 1 < len(self.tokens) else None
        is_alone = following is None or (not following[1] and following[0] in _BINARY | {")"})
        if word in _UNARY and following is not None and not is_alone:
            self.position += 2
            return self._unary(word, following[0])
        left = self.tokens[self.position]
        self.position += 1
        operator = self._word()
        if operator in _BINARY and self.position + 1 < len(self.tokens):
            right = self.tokens[self.position + 1]
            self.position += 2
            return self._binary(left, operator, right)
        return self._constant_or_variable(left)

    def _unary(self, word: str, name: str) -> Truth:
        if not is_decided(name):
            return Truth.UNKNOWN
        match word:
            case "DEFINED":
                inner = name[len("CACHE{") : -1] if name.startswith("CACHE{") else name
                value = self.world.lookup(inner)
                if value is None:
                    self.asked_undefined = True
                    return Truth.FALSE
                return Truth.UNKNOWN if UNKNOWN in value else Truth.TRUE
            case "IS_DIRECTORY" if self.world.is_file(name):
                return Truth.FALSE
            case "EXISTS" | "IS_DIRECTORY":
                exists = self.world.exists(name)
                # A submodule or a checkout that whoever builds has to fetch.
                self.asked_undefined |= exists is Truth.FALSE
                return exists
            case "TARGET":
                return self.world.has_target(name)
            case "COMMAND":
                return self.world.has_command(name)
            case "IS_ABSOLUTE":
                return truth_of(name.startswith("/"))
            case "POLICY":
                return Truth.TRUE
            case _:
                return Truth.UNKNOWN

    def _value(self, token: Token) -> str:
        text, is_quoted = token
        if is_quoted:
            return text
        value = self.world.lookup(text)
        return text if value is None else self.world.weighed(value)

    def _constant_or_variable(self, token: Token) -> Truth:
        text, is_quoted = token
        if UNKNOWN in text:
            return Truth.UNKNOWN
        if is_true_constant(text):
            return Truth.TRUE
        if is_false_constant(text) or is_number(text):
            return Truth.FALSE
        if is_quoted:
            return Truth.FALSE
        value = self.world.lookup(text)
        if value is None:
            self.asked_undefined = True
            return Truth.FALSE
        if is_decided(value):
            return truth_of(not is_false_constant(value))
        certain = [part for part in split_list(value) if is_decided(part)]
        return Truth.TRUE if len(certain) > 1 else Truth.UNKNOWN

    def _binary(self, left: Token, operator: str, right: Token) -> Truth:
        value = self._value(left)
        if operator == "IN_LIST":
            return self._in_list(value, right)
        if operator == "MATCHES":
            return self._matches(value, right[0])
        other = self._value(right)
        if not (is_decided(value) and is_decided(other)):
            return Truth.UNKNOWN
        if not left[1] and value == left[0] and value.isidentifier():
            self.asked_undefined = True
        if operator in _TEXT:
            order = (value > other) - (value < other)
            return truth_of(_TEXT[operator](order))
        if operator in _VERSIONS:
            return truth_of(_VERSIONS[operator](compare_versions(value, other)))
        if operator == "PATH_EQUAL":
            return truth_of(_parts_of_path(value) == _parts_of_path(other))
        if operator not in _SUFFIXES:
            return Truth.UNKNOWN
        try:
            first, second = float(value), float(other)
        except ValueError:
            return Truth.FALSE
        return truth_of(_SUFFIXES[operator]((first > second) - (first < second)))

    def _in_list(self, value: str, right: Token) -> Truth:
        listed = self.world.lookup(right[0])
        if listed is None:
            self.asked_undefined = True
            return Truth.FALSE
        elements = split_list(self.world.weighed(listed))
        if value in elements and is_decided(value):
            return Truth.TRUE
        return truth_of(0) if is_decided(listed) and is_decided(value) else Truth.UNKNOWN

    def _matches(self, value: str, pattern: str) -> Truth:
        found = search(pattern, value)
        if isinstance(found, str):
            return Truth.UNKNOWN
        if found is None:
            return Truth.FALSE
        self.world.matched([found.group(0), *(group or "" for group in found.groups())])
        return Truth.TRUE


def _parts_of_path(path: str) -> tuple[bool, list[str]]:
    """Return whether a path is absolute, and its parts; slashes in a row are one."""
    return path.startswith("/"), [part for part in path.split("/") if part]


def _in_pairs(truths: Sequence[Truth], operators: Sequence[str]) -> Truth:
    """Return what today's CMake makes of AND and OR: each pair from the left, and so on again."""
    while len(truths) > 1:
        pairs = [
            _COMBINED[operator](truths[2 * number : 2 * number + 2])
            for number, operator in enumerate(operators[::2])
        ]
        truths = [*pairs, *(truths[-1:] if len(truths) % 2 else [])]
        operators = operators[1::2]
    return truths[0]


def _and_first(truths: Sequence[Truth], operators: Sequence[str]) -> Truth:
    """Return what CMake's older versions, and most readers, make of them."""
    groups = [[truths[0]]]
    for operator, truth in zip(operators, truths[1:], strict=True):
        if operator == "AND":
            groups[-1].append(truth)
        else:
            groups.append([truth])
    return any_of([all_of(group) for group in groups])
