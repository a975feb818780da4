"""What one file registers or defines by the macros and functions of another."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from opparity.checker import bounds
from opparity.checker.facts.conditions import ALWAYS, conjunction
from opparity.checker.facts.native import Unfollowed
from opparity.checker.languages.cpp.aliased_blocks import Aliases
from opparity.checker.languages.cpp.block_reader import read_text
from opparity.checker.languages.cpp.blocks import Block, Registered
from opparity.checker.languages.cpp.functions import collect
from opparity.checker.languages.cpp.macro_expansion import expand_macro
from opparity.checker.languages.cpp.registration_macros import (
    macro_uses,
    substituted,
    takes_the_block_alone,
)
from opparity.checker.languages.cpp.registrations import read_blocks, registration_blocks
from opparity.checker.languages.cpp.syntax import parse
from opparity.checker.languages.cpp.tvm_exports import read_tvm_exports
from opparity.checker.languages.workers import costly

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from opparity.checker.facts.native import (
        Definition,
        HandedOn,
        MacroBody,
        MacroDefinition,
        MacroUse,
        NativeFile,
        Registration,
    )

_MOST_DEPTH = 5
# All macros of a tree that are expanded outside of functions: each is parsed.
_MOST_EXPANDED = 20_000
# What a macro is called that registers something, or that gives the library to what does.
_MAY_REGISTER = re.compile(
    r"REGISTER\w*(?:OP|KERNEL|FUNC|LIB|MODULE|BIND|GLOBAL)|(?:OPS?|KERNELS?|FUNC\w*)_REGIST"
    r"|\w_TORCH_LIBRARY|^BIND_|_BIND(?:INGS?)?$|DEF_?OP\b|PYBIND$"
)
_KNOWN = re.compile(r"^(?:STABLE_)?TORCH_|^PYBIND11_|^TVM_|^C10_|^AT_|_DISPATCH$")


def link_files(files: Mapping[str, NativeFile]) -> dict[str, NativeFile]:
    """Return the files, each with what macros and helpers of others register and define for it."""
    return _with_helpers(_Macros(files).expanded())


@dataclass(slots=True)
class _Macros:
    """The macros of a tree."""

    files: Mapping[str, NativeFile]
    bodies: dict[str, list[MacroBody]] = field(default_factory=dict)
    defined: dict[str, list[MacroDefinition]] = field(default_factory=dict)
    known: dict[tuple[MacroBody, Block, tuple[str, ...]], Registered] = field(default_factory=dict)
    outside: int = 0
    aliases: Aliases = field(init=False)

    def __post_init__(self) -> None:
        for file in self.files.values():
            for body in file.macro_bodies:
                self.bodies.setdefault(body.name, []).append(body)
            for definition in file.macro_definitions:
                self.defined.setdefault(definition.name, []).append(definition)
        self.aliases = Aliases(self.files, self.defined)

    def expanded(self) -> dict[str, NativeFile]:
        """Return the files with what their macros come to."""
        found: dict[str, NativeFile] = {}
        for path, file in self.files.items():
            found[path] = bounds.share(partial(self._expanded, file), partial(_given_up, file))
        return found

    def _expanded(self, file: NativeFile) -> NativeFile:
        aliased = self.aliases.opened(file)
        more = aliased.registered
        definitions: list[Definition] = []
        for use in (*file.macro_uses, *aliased.uses):
            if use.variable:
                more.add(self._in_block(use, file, 0))
            else:
                definitions += self._outside(use, file, more)
        if aliased.init_functions:
            made = (*file.init_functions, *aliased.init_functions)
            file = replace(file, init_functions=made)
        return _extended(file, more, definitions)

    def _in_block(self, use: MacroUse, file: NativeFile, depth: int) -> Registered:
        """Return what a macro registers that stands in a registration block."""
        block = Block(use.variable, use.library, use.key, use.style)
        found = Registered()
        bodies = [body for body in self.bodies.get(use.name, []) if not body.makes_block]
        for body in _visible(bodies, file):
            is_alone = takes_the_block_alone(", ".join(body.parameters), body.text)
            if body.location.path == file.path and not is_alone:
                continue
            key = (body, block, use.arguments)
            if key not in self.known:
                text = substituted(body, use.arguments)
                self.known[key] = read_text(block, text, body.location)
            found.add(_under(self.known[key], use, body))
        if not bodies:
            found.add(self._handing_on(use, block, file, depth))
        return found

    def _handing_on(self, use: MacroUse, block: Block, file: NativeFile, depth: int) -> Registered:
        """Return what a macro comes to that calls functions or other macros with the library."""
        found = Registered()
        definitions = self.defined.get(use.name, [])
        is_file = "." in use.name
        may_register = is_file or (_MAY_REGISTER.search(use.name) and not _KNOWN.search(use.name))
        if not definitions and may_register:
            place = (use.library, use.location, use.condition)
            found.unfollowed.append(Unfollowed(use.name, *place))
        if definitions and depth >= _MOST_DEPTH:
            found.unfollowed.append(Unfollowed(use.name, use.library, use.location, use.condition))
            return found
        for definition in definitions:
            text = definition.value
            if definition.is_function:
                text = expand_macro(text, use.arguments)
            inner = read_text(block, text, use.location)
            found.add(_under(inner, use, definition))
            for further in macro_uses(block, file.path, text, 1, lambda _: use.condition):
                if further.name != use.name:
                    here = replace(further, location=use.location)
                    found.add(self._in_block(here, file, depth + 1))
        return found

    def _outside(self, use: MacroUse, file: NativeFile, more: Registered) -> list[Definition]:
        """Return the functions that a macro makes; what it registers is added to `more`."""
        bodies = [body for body in self.bodies.get(use.name, []) if body.makes_block]
        if not bodies:
            is_unknown = use.name not in self.defined and not _KNOWN.search(use.name)
            if is_unknown and _MAY_REGISTER.search(use.name):
                more.unfollowed.append(Unfollowed(use.name, "", use.location, use.condition))
            return []
        found: list[Definition] = []
        for body in _visible(bodies, file):
            self.outside += 1
            if self.outside > _MOST_EXPANDED:
                return []
            text = self._nested(substituted(body, use.arguments), file, 0)
            functions = collect(parse(text.encode()).root_node, file.path, lambda _: use.condition)
            if body.location.path != file.path:  # its own blocks are read with the file
                opened = registration_blocks(functions.bodies)
                blocks = read_blocks(
                    functions.bodies, opened, file.path, lambda _: use.condition, {}
                )
                more.add(_at(_under(blocks, use, body), use))
            condition = conjunction(use.condition, body.condition)
            exports = read_tvm_exports(file.path, text, lambda _: 1, lambda _: ALWAYS)
            more.registrations += [
                replace(each, location=use.location, condition=condition) for each in exports
            ]
            found += [
                replace(each, location=use.location, condition=condition, end_line=0)
                for each in functions.definitions
                if not _KNOWN.search(each.signature.name)
            ]
        return found

    def _nested(self, text: str, file: NativeFile, depth: int) -> str:
        """Return a text with the macros in it replaced that make functions."""
        names = [name for name in self.bodies if name in text]
        if not names or depth >= _MOST_DEPTH or len(text) > 20_000:  # noqa: PLR2004 -- of one macro
            return text
        expression = re.compile(
            rf"\b({'|'.join(map(re.escape, names))})\s*\(((?:[^()]|\([^()]*\))*)\)"
        )

        def replaced(found: re.Match[str]) -> str:
            bodies = _visible(self.bodies[found[1]], file)
            arguments = tuple(part.strip() for part in found[2].split(","))
            return substituted(bodies[0], arguments)

        further = expression.sub(replaced, text)
        return further if further == text else self._nested(further, file, depth + 1)


def _given_up(file: NativeFile) -> NativeFile:
    return replace(file, problems=(*file.problems, costly(file.path)))


def _visible(bodies: list[MacroBody], file: NativeFile) -> list[MacroBody]:
    """Return the bodies in files that a file includes by name; all, where it includes none."""
    names = {include.path.rpartition("/")[2] for include in file.includes}
    near = [
        body
        for body in bodies
        if body.location.path == file.path or body.location.path.rpartition("/")[2] in names
    ]
    return near or bodies


def _under(found: Registered, use: MacroUse, definition: MacroBody | MacroDefinition) -> Registered:
    """Return what is registered under the conditions of a macro and of its use."""
    return found.moved(lambda place: place, conjunction(use.condition, definition.condition))


def _at(found: Registered, use: MacroUse) -> Registered:
    """Return what is registered, at the place where a macro is used."""
    return found.moved(lambda _: use.location, ALWAYS)


def _extended(file: NativeFile, more: Registered, definitions: list[Definition]) -> NativeFile:
    if more == Registered() and not definitions:
        return file
    return replace(
        file,
        registrations=(*file.registrations, *more.registrations),
        owned=(*file.owned, *more.owned),
        handed_on=(*file.handed_on, *more.handed_on),
        unfollowed=(*file.unfollowed, *more.unfollowed),
        named=file.named | more.named,
        definitions=(*file.definitions, *definitions),
    )


# ---------------------------------------------------------------- functions given the library


def _with_helpers(files: Mapping[str, NativeFile]) -> dict[str, NativeFile]:
    """Return the files with the libraries of what functions register that are given one.

    A function that nobody is seen to call registers in a library that is not known.
    """
    uses: dict[str, list[HandedOn]] = {}
    helpers: set[str] = set()
    for file in files.values():
        for use in file.handed_on:
            uses.setdefault(use.function.rpartition("::")[2], []).append(use)
        helpers |= {each.helper for each in file.registrations if each.helper}
        helpers |= {each.helper for each in file.handed_on if each.helper}
    if not uses:
        return dict(files)
    known: dict[str, tuple[HandedOn, ...]] = {}
    defined = helpers | {
        definition.signature.name for file in files.values() for definition in file.definitions
    }
    return {path: _with_libraries(file, uses, known, defined) for path, file in files.items()}


def _with_libraries(
    file: NativeFile,
    uses: Mapping[str, list[HandedOn]],
    known: dict[str, tuple[HandedOn, ...]],
    defined: set[str],
) -> NativeFile:
    lost = [
        Unfollowed(use.function, use.library, use.location, use.condition)
        for use in file.handed_on
        if use.function.rpartition("::")[2] not in defined and "::" not in use.function
    ]
    if not lost and not any(each.helper for each in file.registrations):
        return file
    registrations = [
        named
        for each in file.registrations
        for named in (_named(each, _users(each.helper, uses, known)) if each.helper else [each])
    ]
    return replace(
        file,
        registrations=tuple(registrations),
        unfollowed=(*file.unfollowed, *lost),
    )


def _named(registration: Registration, users: Iterable[HandedOn]) -> Iterator[Registration]:
    """Yield a helper's registration in each library that it is given."""
    seen: set[tuple[str, str]] = set()
    for use in users:
        place = (use.library, use.key)
        if place in seen:
            continue
        seen.add(place)
        is_own = not registration.library or registration.library.startswith(".")
        library = use.library + registration.library if is_own else registration.library
        yield replace(registration, library=library, key=registration.key or use.key)
    if not seen:
        yield registration


def _users(
    helper: str, uses: Mapping[str, list[HandedOn]], known: dict[str, tuple[HandedOn, ...]]
) -> tuple[HandedOn, ...]:
    """Return where a helper is given a library, through other helpers too."""
    if helper not in known:
        known[helper] = ()  # a circle ends here
        found: list[HandedOn] = []
        for use in uses.get(helper, ()):
            if not use.helper:
                found.append(use)
                continue
            found += [
                replace(outer, library=outer.library + use.library)
                if not use.library or use.library.startswith(".")
                else use
                for outer in _users(use.helper, uses, known)
            ]
        known[helper] = tuple(found)
    return known[helper]
