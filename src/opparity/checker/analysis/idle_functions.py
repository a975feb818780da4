"""Functions beside bindings that nobody binds, under whatever name Python may read them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.checker.analysis.foreign_names import OF_LIBRARIES
from opparity.checker.analysis.module_reads import binds
from opparity.checker.facts.conditions import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Compiled, Link
    from opparity.checker.analysis.module_reads import ModuleRead
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import Definition
    from opparity.checker.facts.places import Location

# `fromCameraModel`.
_CAPITAL = re.compile(r"[a-z0-9][A-Z]")
_LONG_CAMEL = 12
# So many of its prototypes a file with bindings binds.
_FEWEST_BOUND = 3


@dataclass(frozen=True, slots=True)
class Reads:
    """Under which name Python may read a function, of the names that nothing else has."""

    analysis: Analysis
    taken: set[str]

    def of(self, function: str) -> tuple[str, Location | None]:
        """Return the name and where it is read; None where it is not.

        `dispatch_rms_norm` may be bound as `rms_norm`, `pack_trellis_wrapper` as `pack_trellis`.
        """
        words = function.split("_")
        whole = (function, "_".join(words[1:]), "_".join(words[:-1]))
        for name in filter(is_telling, whole):
            use = None if name in self.taken else self.analysis.attributes.use_of(name)
            if use is not None:
                return name, use
        return "", None


def is_telling(name: str) -> bool:
    """Return whether a name has several words: a single one is a name of many things."""
    is_camel = len(name) >= _LONG_CAMEL and len(_CAPITAL.findall(name)) > 1
    is_camel = is_camel and not OF_LIBRARIES.match(name)
    return "_" in name.strip("_") or is_camel


def bound_elsewhere(analysis: Analysis) -> Iterator[tuple[str, Definition, ModuleRead]]:
    """Yield the functions that a module has on two platforms, and binds on one of them alone.

    Each with what Python reads of it.
    """
    for each in analysis.modules_read:
        for read in each.needed if each.is_whole and len(each.links) > 1 else ():
            symbols = {
                registration.symbol.rpartition("::")[2]
                for link in each.links
                for part in link.compiled
                for registration in part.file.registrations
                if registration.operator == read.name and registration.symbol
            }
            for link in each.links:
                bodies = [
                    definition
                    for symbol in sorted(symbols)
                    for definition, part in link.definitions.get(symbol, ())
                    if part.is_listed and part.truth(definition.condition) is Truth.TRUE
                ]
                if bodies and not binds(link, read.name):
                    yield link.target.name, bodies[0], read


def idle_in_targets(analysis: Analysis, reads: Reads) -> Iterator[tuple[str, Definition]]:
    """Yield the functions beside the bindings of each target that nothing binds or calls."""
    for platform in analysis.project.platforms:
        for link in analysis.linker.links_on(platform):
            yield from ((link.target.name, each) for each in _idle(analysis, link, reads))


def idle_in_files(analysis: Analysis, reads: Reads) -> Iterator[tuple[str, Definition]]:
    """Yield the functions of files with bindings that no build lists: a program compiles them."""
    native = analysis.project.native
    paths = [path for path in analysis.basis.binding_files if path not in analysis.basis.listed]
    for path in paths:
        file = native[path]
        shown = {each.signature.name for each in file.declarations if not each.is_member}
        own = shown | {each.signature.name for each in file.definitions}
        if not any(reads.of(name)[1] for name in own):
            continue
        bound = {
            name.rpartition("::")[2]
            for registration in file.registrations
            for name in registration.functions
        }
        passed = analysis.further_uses.of(file).passed
        used = bound | {each.symbol for each in (*file.references, *file.tabled, *passed)}
        for other in native.values():
            if other.path != path:
                used |= other.called & own
        elsewhere = [
            each
            for name in sorted(shown - used)
            for each in analysis.project.definitions.get(name, ())
        ]
        for each in (*file.definitions, *elsewhere):
            is_method = each.signature.namespace[-1:] and each.signature.namespace[-1][:1].isupper()
            if each.signature.name not in used and _is_plain(each) and not is_method:
                yield path, each


def forgotten(analysis: Analysis, reads: Reads) -> Iterator[tuple[str, Definition]]:
    """Yield the functions that a file declares for its bindings, and neither binds nor uses.

    Other sources may call them: a prototype beside bindings is there to be bound.
    """
    for platform in analysis.project.platforms:
        for link in analysis.linker.links_on(platform):
            bound = {
                name.rpartition("::")[2]
                for part in link.compiled
                for each in part.file.registrations
                for name in each.functions
            }
            for part in link.compiled if link.is_complete is Truth.TRUE else ():
                file = part.file
                shown = {each.signature.name for each in file.declarations if not each.is_member}
                if not part.is_listed or len(shown & bound) < _FEWEST_BOUND:
                    continue
                used = {each.symbol for each in (*file.references, *file.tabled)}
                left = (shown & link.definitions.keys()) - bound - used
                idle = {name for name in left if reads.of(name)[1]}
                # These uses are read of the files that are asked for alone.
                if idle:
                    idle -= {each.symbol for each in analysis.further_uses.of(file).passed}
                for name in sorted(idle):
                    plain = (each for each, _ in link.definitions[name] if _is_plain(each))
                    yield from ((link.target.name, each) for each in plain)


def _is_plain(definition: Definition) -> bool:
    is_other = definition.is_template or definition.is_inline or definition.is_kernel
    return not is_other and bool(definition.end_line)


def _idle(analysis: Analysis, link: Link, reads: Reads) -> Iterator[Definition]:
    """Yield the functions beside a target's bindings that nothing binds or calls."""
    if link.target.kind not in {"module", "shared", "jit"} or link.is_complete is not Truth.TRUE:
        return
    used: set[str] = set()
    seen: set[str] = set()
    for compiled in link.compiled:
        file = compiled.file
        # What a file declares or defines looks called there.
        own = {each.signature.name for each in file.declarations}
        own |= {each.signature.name for each in file.definitions}
        used |= file.called - own
        used |= {each.symbol for each in (*file.references, *file.tabled)}
        for registration in file.registrations:
            named = registration.functions
            used |= {name.rpartition("::")[2] for name in named}
        if file.registrations:
            seen |= _declared(analysis, compiled)
    idle = {name for name in (seen & link.definitions.keys()) - used if reads.of(name)[1]}
    # These uses are read of the files that are asked for alone.
    for compiled in link.compiled if idle else ():
        further = analysis.further_uses.of(compiled.file)
        idle -= {each.symbol for each in (*further.methods, *further.passed)}
    for name in sorted(idle):
        for definition, part in link.definitions[name]:
            is_near = not definition.is_local or bool(part.file.registrations)
            is_plain = _is_plain(definition) and not name.startswith("PyInit_")
            if is_plain and is_near and part.is_listed:
                yield definition
                break


def _declared(analysis: Analysis, compiled: Compiled) -> set[str]:
    """Return the plain functions that a file with bindings declares, sees declared or defines."""
    path = compiled.file.path
    visible = (path, *analysis.linker.closure(path, compiled.unit))
    names = {
        each.signature.name
        for other in visible
        for each in analysis.project.native[other].declarations
        if not each.is_member
    }
    # A function of a namespace that begins with a capital is a method.
    return names | {
        each.signature.name
        for each in compiled.file.definitions
        if not each.signature.namespace or not each.signature.namespace[-1][:1].isupper()
    }
