"""Registration blocks behind a macro of the tree: `#define REGISTER_LIBRARY TORCH_LIBRARY`.

What the macro stands for may be in another file, and differ between those that include this one.
So a file only keeps the block, and it is read once the macros of all files are known.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import ALWAYS, Defined, atoms, conjunction
from opparity.checker.facts.native import AliasedBlock, InitFunction, Unfollowed
from opparity.checker.facts.places import Location
from opparity.checker.languages.cpp.blocks import Registered
from opparity.checker.languages.cpp.functions import collect
from opparity.checker.languages.cpp.macro_expansion import expand_macro, registering_macros
from opparity.checker.languages.cpp.registration_macros import macro_uses, separated
from opparity.checker.languages.cpp.registrations import (
    is_library_macro,
    is_module_macro,
    macro_arguments,
    read_blocks,
    registration_blocks,
)
from opparity.checker.languages.cpp.syntax import field as child
from opparity.checker.languages.cpp.syntax import parse, text_of
from opparity.checker.languages.cpp.text_scan import in_directive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tree_sitter import Node

    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.native import (
        MacroDefinition,
        MacroUse,
        NativeFile,
        Signature,
    )
    from opparity.checker.languages.cpp.registrations import Opened as BlockWithBody

_LONGEST_BODY = 200_000
_MOST_DEPTH = 5
_REGISTERS = re.compile(r"\.\s*(?:def|impl)\s*\(")
# `DEMO_OPERATORS {`, which no grammar takes for a function.
_HEADLESS = re.compile(r"\n[ \t]*([A-Z][A-Z0-9_]{2,})(?:[ \t]*\([^(){};]*\))?\s*\{")
_CALL = re.compile(r"([A-Za-z_]\w*)\s*(?:\((.*)\))?", re.DOTALL)
# Nobody imports an embedded module but the program that embeds the interpreter; the others are
# statements, which where the grammar lost its way look like heads.
_NEVER_HEADS = frozenset({"PYBIND11_EMBEDDED_MODULE", "if", "for", "while", "switch", "catch"})
_NAMED_SO = re.compile(r"LIBRARY|MODULE|REGIST|BIND")


def aliased_blocks(
    bodies: Sequence[tuple[Node, Signature]],
    opened: Sequence[BlockWithBody],
    path: str,
    clean: str,
    line_of: Callable[[int], int],
    condition_at: Callable[[int], Condition],
) -> Iterator[AliasedBlock]:
    """Yield what may be a registration block behind a macro; `clean` has no literals.

    `opened` are the blocks that are none behind a macro.
    """
    lines: set[int] = {node.start_point.row + 1 for node, _ in bodies}
    plain = {body.id for _, body, _ in opened}
    for node, signature in bodies:
        body = child(node, "body")
        if child(node, "type") is None and body is not None and body.id not in plain:
            yield from _aliased(node, body, signature, path, condition_at)
    if not _REGISTERS.search(clean):
        return
    for found in _HEADLESS.finditer("\n" + clean):
        line = line_of(found.start(1) - 1)
        end = clean.find("\n}", found.end() - 2)
        inside = clean[found.end() - 1 : end if end > 0 else None]
        is_plain = line not in lines and not in_directive(clean, found.start(1) - 1)
        if is_plain and _REGISTERS.search(inside):
            yield AliasedBlock(found[1], (), "", Location(path, line), condition_at(line))


def _aliased(
    node: Node,
    body: Node,
    signature: Signature,
    path: str,
    condition_at: Callable[[int], Condition],
) -> Iterator[AliasedBlock]:
    arguments = tuple(macro_arguments(child(node, "declarator")))
    text = text_of(body)
    if not _is_macro_head(signature, arguments) or len(text) > _LONGEST_BODY:
        return
    words = "|".join(map(re.escape, arguments))
    if not re.search(rf"\b(?:{words})\b", text):
        return
    first, last = node.start_point.row + 1, node.end_point.row + 1
    branches: list[tuple[int, Condition]] = []
    for line in range(first, last + 1):
        condition = condition_at(line)
        if not branches or branches[-1][1] != condition:
            branches.append((line, condition))
    yield AliasedBlock(
        signature.name,
        arguments,
        text,
        Location(path, first, node.start_point.column + 1),
        condition_at(first),
        signature.namespace,
        tuple(branches),
    )


def _is_macro_head(signature: Signature, arguments: tuple[str, ...]) -> bool:
    """Return whether a head without a return type is a macro's: no constructor's, no operator's."""
    is_constructor = signature.name in signature.namespace
    return (
        bool(arguments)
        and not is_constructor
        and signature.name.isidentifier()
        and all(argument.isidentifier() for argument in arguments)
        and signature.name not in _NEVER_HEADS
    )


@dataclass(frozen=True, slots=True)
class _Head:
    """What an alias comes to: a macro that opens a block, with its arguments."""

    macro: str
    arguments: tuple[str, ...]

    @property
    def meaning(self) -> tuple[str, tuple[str, ...]]:
        """Return what registers alike: torch's stable macros differ from the others in the ABI."""
        return self.macro.removeprefix("STABLE_"), self.arguments


@dataclass(slots=True)
class Opened:
    """What the aliased blocks of a file come to."""

    registered: Registered = field(default_factory=Registered)
    init_functions: list[InitFunction] = field(default_factory=list)
    uses: list[MacroUse] = field(default_factory=list)


@dataclass
class Aliases:
    """The macros of a tree, as heads of registration blocks."""

    files: Mapping[str, NativeFile]
    defined: Mapping[str, list[MacroDefinition]]

    @cached_property
    def _includers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path, file in self.files.items():
            for include in file.includes:
                found.setdefault(_base(include.path), []).append(path)
        return found

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.files:
            found.setdefault(_base(path), []).append(path)
        return found

    def opened(self, file: NativeFile) -> Opened:
        """Return what the aliased blocks of a file register."""
        found = Opened()
        for block in file.aliased:
            heads, is_followed = self._heads(block, file)
            if not is_followed:
                found.registered.unfollowed.append(
                    Unfollowed(block.name, "", block.location, block.condition)
                )
            for head, condition in heads:
                self._open(found, block, head, condition, file)
        return found

    def _heads(
        self, block: AliasedBlock, file: NativeFile
    ) -> tuple[list[tuple[_Head, Condition]], bool]:
        """Return what a block's macro comes to, and whether that is all of it."""
        definitions = self._definitions(block.name, file, block.location.line)
        if not definitions:
            may_register = _NAMED_SO.search(block.name) is not None
            return [], not (block.name.isupper() and (_registers(block) or may_register))
        heads: list[tuple[_Head, Condition]] = []
        lost = False
        for head, condition in self._resolved(definitions, block.arguments, file, 0):
            if head is not None and block.text:
                heads.append((head, condition))
            else:
                lost = lost or head is not None or not block.text or _registers(block)
        if not lost and heads and len({head.meaning for head, _ in heads}) == 1:
            # One of them holds wherever the block is compiled at all.
            return [(heads[0][0], ALWAYS)], True
        return heads, not lost

    def _definitions(self, name: str, file: NativeFile, line: int) -> list[MacroDefinition]:
        """Return what a macro may stand for in a file, at a line."""
        every = self.defined.get(name, [])
        own = [each for each in every if each.location.path == file.path]
        before = {each.condition: each for each in own if each.location.line <= line}
        if before and not any(
            isinstance(atom, Defined) and atom.macro == name
            for condition in before
            for atom in atoms(condition)
        ):
            return list(before.values())
        others = [each for each in every if each.location.path != file.path]
        if others:
            related = self._related(file.path)
            near = [each for each in others if each.location.path in related]
            others = near or ([] if before else others)
        return [*before.values(), *others]

    def _related(self, path: str) -> set[str]:
        """Return the files that may be in one translation unit with a file."""
        roots = self._reached([path], lambda each: self._includers.get(_base(each), ()))
        return self._reached(roots, self._included)

    def _included(self, path: str) -> Iterator[str]:
        for include in self.files[path].includes:
            yield from self._by_name.get(_base(include.path), ())

    @staticmethod
    def _reached(paths: Iterable[str], step: Callable[[str], Iterable[str]]) -> set[str]:
        found = set(paths)
        pending = list(found)
        while pending:
            for each in step(pending.pop()):
                if each not in found:
                    found.add(each)
                    pending.append(each)
        return found

    def _resolved(
        self,
        definitions: Iterable[MacroDefinition],
        arguments: tuple[str, ...],
        file: NativeFile,
        depth: int,
    ) -> Iterator[tuple[_Head | None, Condition]]:
        """Yield the heads that definitions come to, and where; None for anything else."""
        for definition in definitions:
            text = definition.value
            if definition.is_function:
                text = expand_macro(text, arguments)
            call = _CALL.fullmatch(text.strip())
            given = arguments if call is None or call[2] is None else separated(call[2])
            if call is None or depth >= _MOST_DEPTH:
                yield None, definition.condition
            elif is_module_macro(call[1]) or is_library_macro(call[1]):
                yield _Head(call[1], given), definition.condition
            elif further := self._definitions(call[1], file, definition.location.line):
                for head, condition in self._resolved(further, given, file, depth + 1):
                    yield head, conjunction(definition.condition, condition)
            else:
                yield None, definition.condition

    def _open(
        self,
        found: Opened,
        block: AliasedBlock,
        head: _Head,
        condition: Condition,
        file: NativeFile,
    ) -> None:
        lines = [line for line, _ in block.branches]

        def condition_at(line: int) -> Condition:
            return block.branches[max(bisect_right(lines, line) - 1, 0)][1]

        # At its own line and column, in its namespace.
        opening = f"namespace {'::'.join(block.scope)} {{" if block.scope else ""
        text = f"{opening}{head.macro}({', '.join(head.arguments)}) {block.text}"
        source = "\n" * (block.location.line - 1) + text
        bodies = collect(parse(source.encode()).root_node, file.path, condition_at).bodies
        macros = registering_macros(file.macro_definitions)
        blocks = registration_blocks(bodies)
        inner = read_blocks(bodies, blocks, file.path, condition_at, macros)
        found.registered.add(inner.moved(lambda place: place, condition))
        for opened, body, line in blocks:
            for use in macro_uses(opened, file.path, text_of(body), line, condition_at):
                under = conjunction(use.condition, condition)
                found.uses.append(replace(use, condition=under))
        if is_module_macro(head.macro) and head.arguments:
            under = conjunction(block.condition, condition)
            found.init_functions.append(InitFunction(head.arguments[0], block.location, under))


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _registers(block: AliasedBlock) -> bool:
    """Return whether something is registered on one of a block's arguments."""
    if not block.text:
        return True
    words = "|".join(map(re.escape, block.arguments))
    return re.search(rf"\b(?:{words})\s*\.\s*(?:def|impl)\s*\(", block.text) is not None
