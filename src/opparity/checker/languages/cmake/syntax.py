"""CMake files as statements: commands, and the blocks that they open and close."""

from __future__ import annotations

from functools import cache, lru_cache

import tree_sitter
import tree_sitter_cmake

from opparity.checker.facts.places import Location
from opparity.checker.facts.records import fact
from opparity.checker.languages import grammar

_OPENING = frozenset({"if", "foreach", "while", "function", "macro", "block"})
_DEEPEST_NESTING = 100


@fact
class Argument:
    """An argument as written, without its quotes."""

    text: str
    is_quoted: bool
    is_raw: bool
    line: int


@fact
class Command:
    """`name(arguments)`; the name in lower case."""

    name: str
    arguments: tuple[Argument, ...]
    location: Location


@fact
class Branch:
    """An `if`, `elseif` or `else` and its body.

    Attributes:
        condition: None for `else`.
        is_fatal: the body ends the configuration, whatever else it does.
    """

    condition: tuple[Argument, ...] | None
    body: tuple[Statement, ...]
    location: Location
    is_fatal: bool


@fact
class If:
    """A chain of branches."""

    branches: tuple[Branch, ...]


@fact
class Block:
    """A foreach, while, function, macro or block: its opening command and body."""

    opening: Command
    body: tuple[Statement, ...]


Statement = Command | If | Block


@cache
def _parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_cmake.language()))


# A tree's builds are evaluated more than once, and two trees of a change share most of these files.
@lru_cache(maxsize=500)
def parse_file(path: str, content: bytes) -> tuple[Statement, ...]:
    """Return a file's statements; a block that is never closed ends with the file."""
    commands = _commands(path, content)
    statements, _ = _statements(commands, 0, frozenset(), 0)
    return tuple(statements)


def _commands(path: str, content: bytes) -> list[Command]:
    found: list[Command] = []
    pending = [grammar.parse(_parser(), content).root_node]
    while pending:
        node = pending.pop()
        if not node.type.endswith("_command"):
            pending.extend(reversed(node.named_children))
            continue
        children = node.named_children
        if not children:
            continue
        name = _text(children[0]).lower()
        arguments: list[Argument] = []
        for child in children:
            if child.type == "argument_list":
                _arguments(child, arguments)
        location = Location(path, node.start_point.row + 1, node.start_point.column + 1)
        found.append(Command(name, tuple(arguments), location))
    return found


def _arguments(listed: tree_sitter.Node, found: list[Argument]) -> None:
    for node in listed.children:
        if not node.is_named and node.type in "()":
            found.append(Argument(node.type, False, True, node.start_point.row + 1))
        if node.type != "argument":
            continue
        line = node.start_point.row + 1
        inner = node.named_children[0] if node.named_children else node
        text = _text(node)
        if inner.type == "quoted_argument":
            found.append(Argument(text[1:-1], is_quoted=True, is_raw=False, line=line))
        elif inner.type == "bracket_argument":
            start = text.index("[", 1) + 1
            found.append(Argument(text[start:-start], is_quoted=True, is_raw=True, line=line))
        else:
            found.append(Argument(text, is_quoted=False, is_raw=False, line=line))


def _text(node: tree_sitter.Node) -> str:
    return (node.text or b"").decode("utf-8", errors="replace")


def _statements(
    commands: list[Command], position: int, closers: frozenset[str], depth: int
) -> tuple[list[Statement], int]:
    """Return the statements up to a closing command, and where that command is."""
    found: list[Statement] = []
    while position < len(commands):
        command = commands[position]
        if command.name in closers:
            return found, position
        if command.name == "if" and depth < _DEEPEST_NESTING:
            chain, position = _if_chain(commands, position, depth + 1)
            found.append(chain)
        elif command.name in _OPENING and depth < _DEEPEST_NESTING:
            closer = frozenset({f"end{command.name}"})
            body, position = _statements(commands, position + 1, closer, depth + 1)
            found.append(Block(command, tuple(body)))
        else:
            found.append(command)
        position += 1
    return found, position


def _if_chain(commands: list[Command], position: int, depth: int) -> tuple[If, int]:
    branches: list[Branch] = []
    closers = frozenset({"elseif", "else", "endif"})
    while position < len(commands) and commands[position].name != "endif":
        head = commands[position]
        body, position = _statements(commands, position + 1, closers, depth)
        condition = None if head.name == "else" else head.arguments
        is_fatal = any(map(_ends_all, body))
        branches.append(Branch(condition, tuple(body), head.location, is_fatal))
    return If(tuple(branches)), position


def _ends_all(statement: Statement) -> bool:
    return (
        isinstance(statement, Command)
        and statement.name == "message"
        and bool(statement.arguments)
        and statement.arguments[0].text in {"FATAL_ERROR", "SEND_ERROR"}
    )
