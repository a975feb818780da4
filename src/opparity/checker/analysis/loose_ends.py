"""Ends of functions that hang loose: used without a body, or with a body and used by nobody.

Each is a fact about the text of the whole tree, whatever its builds list: where no rule can decide
what it means, a check says it by name.
"""

from __future__ import annotations

import re
from collections import Counter
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from opparity.checker.analysis.foreign_names import FOREIGN_NAMESPACES, OF_LIBRARIES
from opparity.checker.analysis.lone_overloads import LoneOverloads
from opparity.checker.facts.records import fact
from opparity.checker.languages.detection import COMPILED, NOT_SHIPPED
from opparity.checker.tree.contents import CYTHON_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.heads import Heads
    from opparity.checker.analysis.pasted_names import Pasted
    from opparity.checker.analysis.project import Project
    from opparity.checker.facts.native import Declaration, Definition, NativeFile
    from opparity.checker.facts.places import Location

_WORD = re.compile(r"\w+")
# A shorter name is one of many things.
_SHORTEST = 4
_HEAD = re.compile(r"\w\s*\(([^;{}]*)\)\s*\{")
_BRACKETS = re.compile(r"<[^<>()]*>|\([^<>()]*\)")
_MOST_LINES = 60
# So many functions of a namespace are no specialisations of another library's.
_MANY_BODIES = 20
_OF_FORTRAN = re.compile(r"[a-z0-9]+_$")


class LooseKind(StrEnum):
    """What hangs loose of a function."""

    BODILESS = "bodiless"  # declared or bound, and used: no file has its body
    MISFIT = "misfit"  # its prototypes take another number of arguments than its bodies
    IDLE = "idle"  # it takes or returns tensors: nothing calls, binds or passes it on


@fact
class LooseEnd:
    """A function with a loose end, by its qualified name, and where that is seen first."""

    name: str
    kind: LooseKind
    location: Location


class LooseEnds:
    """Looks for them, in the files that a tree ships."""

    def __init__(self, project: Project, heads: Heads, pasted: Pasted) -> None:
        self.project = project
        self.heads = heads
        self.pasted = pasted
        self.own = {
            path: file for path, file in project.native.items() if not NOT_SHIPPED.search(path)
        }

    def every(self) -> tuple[LooseEnd, ...]:
        """Return all of them, each function once of each kind."""
        return (*self._bodiless(), *self._misfits(), *self._idle())

    # ---- used, and defined nowhere

    def _bodiless(self) -> Iterator[LooseEnd]:
        places: dict[str, Location] = {}
        for name, place in self._needed():
            places.setdefault(name, place)
        for name, place in sorted(places.items()):
            if self._is_bodiless(name):
                declared = self._declared.get(name)
                qualified = declared[0].signature.qualified if declared else name
                yield LooseEnd(qualified, LooseKind.BODILESS, place)
        lone = LoneOverloads(self.project, self.own)
        for qualified, place in lone.every(places):
            if not self.pasted.may_make(qualified.partition("(")[0].rpartition("::")[2]):
                yield LooseEnd(qualified, LooseKind.BODILESS, place)

    def _needed(self) -> Iterator[tuple[str, Location]]:
        """Yield what files bind, and what they use that the tree's own files declare."""
        declared = self._declared
        for file in self.own.values():
            for each in file.registrations:
                for symbol in each.functions:
                    *qualifier, name = symbol.split("::")
                    is_foreign = qualifier and qualifier[0] in FOREIGN_NAMESPACES
                    if not is_foreign and (symbol == each.symbol or name in declared):
                        yield name, each.location
            for use in (*file.references, *file.tabled):
                if use.symbol in declared:
                    yield use.symbol, use.location
            shown = _shown(file)
            for name in file.called & declared.keys():
                if name not in shown:
                    yield name, declared[name][0].location
        yield from self._called_on_objects()

    def _called_on_objects(self) -> Iterator[tuple[str, Location]]:
        """Yield the members of one class alone, of which others have bodies, that are called."""
        bodies = {
            each.signature.namespace
            for file in self.own.values()
            for each in file.definitions
            if each.signature.name not in each.signature.namespace[-1:]
        }
        for name, found in self._declared.items():
            classes = {each.signature.namespace for each in found}
            is_plain = name not in self.project.definitions and len(classes) == 1
            if not (is_plain and all(each.is_member for each in found) and classes <= bodies):
                continue
            word = name.encode()
            call = re.compile(rb"(?:\.|->)\s*" + word + rb"\s*\(")
            contents = map(self.project.tree.read, self.own)
            if any(word in content and call.search(content) for content in contents):
                yield name, found[0].location

    def _is_bodiless(self, name: str) -> bool:
        bodies = self.project.definitions.get(name, ())
        is_own = name in self._declared and name in self._bound
        is_foreign = OF_LIBRARIES.match(name) is not None and not is_own
        is_foreign |= _OF_FORTRAN.match(name) is not None or name.isupper()
        if len(name) < _SHORTEST or is_foreign:
            return False
        if any(not each.is_instantiation for each in bodies) or self.pasted.may_make(name):
            return False
        return not self.heads.has(name)

    @cached_property
    def _bound(self) -> frozenset[str]:
        """Return the functions that files bind, by their last names."""
        return frozenset(
            each.symbol.rpartition("::")[2]
            for file in self.own.values()
            for each in file.registrations
        )

    @cached_property
    def _declared(self) -> dict[str, list[Declaration]]:
        """Return the prototypes, templates and members that the tree's own files declare."""
        found: dict[str, list[Declaration]] = {}
        for file in self.own.values():
            for each in (*file.declarations, *file.templates):
                namespace = each.signature.namespace
                is_maker = each.signature.name.lstrip("~") in namespace[-1:]
                is_foreign = FOREIGN_NAMESPACES.intersection(namespace)
                if not is_maker and (not is_foreign or namespace in self._inhabited):
                    found.setdefault(each.signature.name, []).append(each)
        return found

    @cached_property
    def _inhabited(self) -> frozenset[tuple[str, ...]]:
        """Return the namespaces within others' that the tree has for itself: `at::musa`."""
        counts = Counter(
            each.signature.namespace
            for path, file in self.own.items()
            if path.endswith(COMPILED)
            for each in file.definitions
            if len(each.signature.namespace) > 1
        )
        return frozenset(each for each, count in counts.items() if count >= _MANY_BODIES)

    # ---- declared otherwise than defined

    def _misfits(self) -> Iterator[LooseEnd]:
        bodies: dict[str, list[Definition]] = {}
        prototypes: dict[str, list[Declaration]] = {}
        for file in self.own.values():
            for body in file.definitions:
                bodies.setdefault(body.signature.qualified, []).append(body)
            for each in file.declarations:
                prototypes.setdefault(each.signature.qualified, []).append(each)
        for name, found in sorted(prototypes.items()):
            last = found[0].signature.name
            known = self.project.definitions.get(last, ())
            if (name in bodies and _is_misfit(found, bodies[name])) or (
                len(known) == 1
                and len(self.project.declarations.get(last, ())) == 1
                and known[0].is_guessed
                and self._looks_otherwise(found[0], known[0])
            ):
                yield LooseEnd(name, LooseKind.MISFIT, found[0].location)

    def _looks_otherwise(self, prototype: Declaration, body: Definition) -> bool:
        """Return whether a body that was found by its looks takes another number of arguments."""
        if prototype.signature.name.lstrip("~") in prototype.signature.namespace[-1:]:
            return False  # what stands before the brace may be an initialiser
        lines = self.project.tree.read_text(body.location.path).split("\n")
        text = "\n".join(lines[body.location.line - 1 :][:_MOST_LINES])
        head = _HEAD.search(text, max(text.find(body.signature.name), 0))
        if head is None or "#" in head[1] or "//" in head[1]:
            return False
        plain = head[1]
        while plain != (plain := _BRACKETS.sub("", plain)):
            pass
        count = 0 if plain.strip() in {"", "void"} else plain.count(",") + 1
        return count != len(prototype.signature.parameters)

    # ---- defined, and used by nobody

    def _idle(self) -> Iterator[LooseEnd]:
        used = self._used
        found: dict[str, Definition] = {}
        for file in self.own.values():
            for each in file.definitions:
                name = each.signature.name
                is_named_alone = name not in used and name not in found
                # Names in capitals are macros': `TEST(Dense, FromTensor) {`.
                if is_named_alone and not name.isupper() and _takes_tensors(each):
                    found[name] = each
        for name, each in sorted(found.items()):
            if self._is_idle(name):
                yield LooseEnd(each.signature.qualified, LooseKind.IDLE, each.location)

    @cached_property
    def _used(self) -> frozenset[str]:
        """Return every name that some file uses, as far as the facts of the files say."""
        found: set[str] = set()
        for file in self.project.native.values():
            found |= file.called - _shown(file)
            found.update(use.symbol for use in (*file.references, *file.tabled))
            for each in file.registrations:
                named = each.functions
                found.update(name.rpartition("::")[2] for name in named)
            for use in file.macro_uses:
                found.update(word for each in use.arguments for word in _WORD.findall(each))
            for macro in file.macro_definitions:
                found.update(_WORD.findall(macro.value))
        return frozenset(found)

    def _is_idle(self, name: str) -> bool:
        """Return whether a name stands nowhere but where it is declared and defined."""
        word = re.compile(rf"\b{re.escape(name)}\b".encode())
        known = self.project.declarations.get(name, ()), self.project.definitions.get(name, ())
        shown = Counter(each.location.path for found in known for each in found)
        for path in self.project.native:
            content = self.project.tree.read(path)
            if name.encode() in content:
                lines = content.split(b"\n")
                code = sum(
                    bool(word.search(line)) for line in lines if not line.lstrip().startswith(b"//")
                )
                if code > shown[path]:
                    return False
        return not (self._is_called_from_python(name) or self.pasted.may_make(name))

    def _is_called_from_python(self, name: str) -> bool:
        """Return whether Cython, ctypes or a list of `load_inline` has a name."""
        word = re.compile(rf"\b{re.escape(name)}\b".encode())
        quoted = re.compile(rf"[\"']{re.escape(name)}[\"']".encode())
        for path, is_plain in self._foreign_callers.items():
            content = self.project.tree.read(path)
            if name.encode() in content and (word if is_plain else quoted).search(content):
                return True
        return False

    @cached_property
    def _foreign_callers(self) -> dict[str, bool]:
        """Return the files that call functions without a binding.

        Each with whether they have them as plain names, and not in quotes alone.
        """
        tree = self.project.tree
        found = {
            path: True
            for path in sorted(tree.files)
            if path.endswith(CYTHON_SUFFIXES) and tree.is_readable(path)
        }
        found |= dict.fromkeys(tree.marked(b"load_inline"), False)
        found |= dict.fromkeys(tree.marked(b"ctypes", b"cffi"), True)
        return found


def _shown(file: NativeFile) -> frozenset[str]:
    """Return what a file declares or defines, and what therefore looks called there."""
    declared = (each.signature.name for each in (*file.declarations, *file.templates))
    return frozenset(declared) | {each.signature.name for each in file.definitions}


def _is_misfit(prototypes: list[Declaration], bodies: list[Definition]) -> bool:
    """Return whether none of a function's prototypes takes as many arguments as any body."""
    signature = bodies[0].signature
    is_maker = signature.name in signature.namespace or signature.name.startswith(("~", "operator"))
    if is_maker or any(
        each.is_template or each.is_guessed or each.is_instantiation or each.is_local
        for each in bodies
    ):
        return False
    declared = {len(each.signature.parameters) for each in prototypes}
    return declared.isdisjoint(len(each.signature.parameters) for each in bodies)


def _takes_tensors(definition: Definition) -> bool:
    """Return whether a plain function takes or returns tensors, as those of operators do."""
    signature = definition.signature
    is_plain = definition.end_line and not (
        definition.is_template
        or definition.is_inline
        or definition.is_kernel
        or definition.is_guessed
        or definition.is_instantiation
        or definition.is_empty
    )
    is_method = signature.namespace[-1:] and signature.namespace[-1][:1].isupper()
    if not is_plain or is_method or len(signature.name) < _SHORTEST:
        return False
    types = (signature.return_type, *(each.type for each in signature.parameters))
    return any("Tensor" in each for each in types)
