"""Functions whose addresses stand in tables outside of any function.

`PyMethodDef` tables bind a module's functions by name; of other tables' initialisers the names in
them are kept, and who knows the prototypes sees which of them are functions.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from opparity.checker.facts.native import Reference, Registration, RegistrationKind
from opparity.checker.facts.places import Location
from opparity.checker.facts.records import fact
from opparity.checker.languages.cpp.text_scan import enclosing_finder, in_directive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.native import Definition

# `type name[N] = {`, `auto name = type{` and `type name{{`. What has no `=` may be the body of a
# function or a class, so a second brace must follow. The name is looked for behind the brace:
# forwards each word of a file would be tried.
_OPENING = re.compile(r"=\s*+(?:[A-Za-z_][\w:]*+\s*+(?:<[^;{}=]{0,200}>\s*+)?)?\{|\{(?=\s*+\{)")
_SIZES = r"(?:\[[^\]{};]*+\]\s*+)*+"
# The name of `int (*name[N])(int)` stands inside of its type.
_NAMED = re.compile(
    rf"""(?: (\w++) \s*+ {_SIZES}
    | \( \s*+ (?:\w++\s*+::\s*+)*+ [*&] \s*+ (?:const\b\s*+)? (\w++) \s*+ {_SIZES} \) \s*+
      \( (?:[^(){{}};]|\([^(){{}};]*+\))*+ \) \s*+ (?:noexcept\b\s*+)?
    ) (?:__attribute__\s*+\(\(\w++\)\)\s*+)?+ \Z""",
    re.VERBOSE,
)
_LONGEST_NAME = 200
_BRACE = re.compile(r"[{}]")
_NAME = re.compile(r"(?<![\w.>])((?:\w++\s*+::\s*+){0,20}+)([A-Za-z_]\w*+)(?!\s*+(?:::|\*|\w))")
_WORD = re.compile(r"\w+")
_LOCAL = re.compile(r"\b(?:static|const|constexpr)\b")
_TYPED_AS_METHODS = re.compile(r"\bPyMethodDef\s++$")
_TYPED_AS_MODULE = re.compile(r"\bPyModuleDef\s++$")
# `{"name", (PyCFunction)function, …`
_METHOD = re.compile(r"\{\s*\"(\w+)\"\s*,\s*((?:[^,{}()]++|\((?:[^()]++|\([^()]*+\))*+\))++),")
_ADDED = re.compile(r"\bPyModule_AddFunctions\s*\(\s*\w+\s*,\s*(\w+)\s*\)")
_TEXT = re.compile(r"\"([\w.]+)\"")
# A table of more characters is data: flashinfer's largest table of functions has 3,000.
_LONGEST = 200_000
_NO_FUNCTIONS = frozenset(
    {"nullptr", "sizeof", "true", "false", "const", "static_cast", "reinterpret_cast", "void"}
    | {"int", "float", "double", "char", "bool", "unsigned", "long", "short", "return", "struct"}
)


@fact
class Table:
    """An initialised variable outside of functions; offsets are of its text between the braces."""

    name: str
    before: int
    start: int
    end: int


@fact
class TableReader:
    """Reads the tables of one file.

    Attributes:
        clean: its text, literals and comments blanked.
        written: its text, comments blanked.
    """

    path: str
    clean: str
    written: str
    definitions: Iterable[Definition]
    condition_at: Callable[[int], Condition]

    def references(self, line_of: Callable[[int], int]) -> Iterator[Reference]:
        """Yield the names in the tables that the file uses, or that others can."""
        seen: set[tuple[str, str, Condition]] = set()
        words: Counter[str] | None = None
        for table in tables_of(self.clean, self.definitions, line_of):
            if _is_local(self.clean, table):
                words = Counter(_WORD.findall(self.clean)) if words is None else words
                if words[table.name] == 1:
                    continue
            for found in _NAME.finditer(self.clean, table.start, table.end):
                name = found[2]
                if (
                    name in _NO_FUNCTIONS
                    or name.isupper()
                    or in_directive(self.clean, found.start())
                ):
                    continue
                line = line_of(found.start())
                key = (found[1], name, self.condition_at(line))
                if key not in seen:
                    seen.add(key)
                    qualifier = tuple(_WORD.findall(found[1]))
                    yield Reference(name, Location(self.path, line), key[2], qualifier=qualifier)

    def method_tables(self, line_of: Callable[[int], int]) -> Iterator[Registration]:
        """Yield what the `PyMethodDef` tables of the file's modules bind."""
        tables = list(tables_of(self.written, self.definitions, line_of))
        libraries = self._modules(tables)
        for table in tables:
            if table.name not in libraries or not self._is_typed(table, _TYPED_AS_METHODS):
                continue
            for found in _METHOD.finditer(self.written, table.start, table.end):
                names = _NAME.findall(found[2])
                if not names or "[" in found[2] or in_directive(self.written, found.start()):
                    continue
                line = line_of(found.start(1))
                yield Registration(
                    kind=RegistrationKind.BIND,
                    library=libraries[table.name],
                    operator=found[1],
                    location=Location(self.path, line),
                    style="method_table",
                    condition=self.condition_at(line),
                    symbol="".join(names[-1][0].split()) + names[-1][1],
                )

    def _modules(self, tables: Iterable[Table]) -> dict[str, str]:
        """Return the tables that are a module's, each with the module's name."""
        found: dict[str, str] = {}
        for table in tables:
            if self._is_typed(table, _TYPED_AS_MODULE):
                text = self.written[table.start : table.end]
                named = _TEXT.search(text)
                words = _WORD.findall(text)
                # Behind the head comes the name, a text or a macro.
                name = named[1] if named else (words[1] if len(words) > 1 else "")
                last = name.rpartition(".")[2]
                found.update((word, last) for word in words[2:])
        only = next(iter(set(found.values())), "")
        found.update((name, only) for name in _ADDED.findall(self.written) if only)
        return found

    def _is_typed(self, table: Table, kind: re.Pattern[str]) -> bool:
        line = self.written.rfind("\n", 0, table.before) + 1
        return kind.search(self.written, line, table.before) is not None


def tables_of(
    text: str, definitions: Iterable[Definition], line_of: Callable[[int], int]
) -> Iterator[Table]:
    """Yield the initialised variables of a text that lie outside of functions."""
    enclosing = enclosing_finder(definitions)
    end = 0
    for found in _OPENING.finditer(text):
        # At the margin nothing is inside a function: there the grammar has lost its way.
        line = text.rfind("\n", 0, found.start()) + 1
        is_inside = text[line].isspace() and enclosing(line_of(found.start())) is not None
        if found.start() < end or is_inside or in_directive(text, found.start()):
            continue
        named = _NAMED.search(text, max(0, found.start() - _LONGEST_NAME), found.start())
        if named is None:
            continue
        closing = _closing(text, found.end())
        end = found.end() + _LONGEST if closing is None else closing
        if closing is not None:
            yield Table(named[1] or named[2], named.start(), found.end(), closing)


def _closing(text: str, start: int) -> int | None:
    """Return the offset of the brace that closes one before `start`; None where it is not near."""
    depth = 1
    for brace in _BRACE.finditer(text, start, start + _LONGEST):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            return brace.start()
    return None


def _is_local(clean: str, table: Table) -> bool:
    """Return whether a table is emitted only where its own file uses it."""
    earliest = max(0, table.before - _LONGEST_NAME)
    start = 1 + max(clean.rfind(end, earliest, table.before) for end in ";{}")
    return _LOCAL.search(clean, max(start, earliest), table.before) is not None
