"""Targets while a build is evaluated, and the frozen records that come of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opparity.checker.facts.builds import MacroSetting, Source, Target
from opparity.checker.facts.conditions import Truth
from opparity.checker.languages.cmake.expansion import GeneratorExpressions, split_flags
from opparity.checker.languages.cmake.values import DOUBTFUL, UNKNOWN, split_list, undoubted
from opparity.checker.languages.compiler_flags import instruction_sets

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.checker.facts.places import Location

LANGUAGES = ("CXX", "CUDA", "HIP")
_DEFINITION = re.compile(r"^[-/]([DU])(\w+)(?:=(.*))?$", re.DOTALL)
_NATIVE = re.compile(r"\.(c|cc|cpp|cxx|cu|hip|mm|sycl)$", re.IGNORECASE)


@dataclass(slots=True)
class TargetState:
    """A target as the commands so far have made it.

    Attributes:
        listed: each source's text as listed, and where.
        definitions, options: property values with their generator expressions, and where set.
    """

    name: str
    kind: str
    location: Location
    listed: list[tuple[str, Location]] = field(default_factory=list)
    definitions: list[tuple[str, Location]] = field(default_factory=list)
    options: list[tuple[str, Location]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    built: Truth = Truth.TRUE


@dataclass(slots=True)
class SourceProperties:
    """Definitions and options of single sources."""

    definitions: list[tuple[str, str, Location]] = field(default_factory=list)
    options: list[tuple[str, str, Location]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Directory:
    """What a directory gives to all of its targets: definitions, options, language flags."""

    definitions: tuple[tuple[str, Location], ...]
    options: tuple[tuple[str, Location], ...]
    language_flags: tuple[tuple[str, str], ...]


class Finisher:
    """Turns target states into records.

    Attributes:
        resolve: source text -> path in the tree, or None where it is none.
    """

    def __init__(
        self,
        states: dict[str, TargetState],
        directory: Directory,
        properties: SourceProperties,
        resolve: Callable[[str], str | None],
    ) -> None:
        self.states = states
        self.directory = directory
        self.properties = properties
        self.resolve = resolve

    def finish(self, state: TargetState) -> Target:
        """Return a target's record."""
        sources, is_complete = self._sources(state)
        return Target(
            name=state.name,
            kind=state.kind,
            sources=tuple(sources),
            location=state.location,
            macros=tuple(self._macros(state, {source.path for source in sources})),
            is_complete=is_complete,
            links=tuple(dict.fromkeys(state.links)),
            built=state.built,
        )

    def _sources(self, state: TargetState) -> tuple[list[Source], Truth]:
        found: dict[str, Source] = {}
        is_complete = Truth.TRUE
        expressions = GeneratorExpressions("CXX", lambda name: f"\ue002{name}")
        for text, location in state.listed:
            for element in split_list(expressions.evaluate(text)):
                name, doubtful = undoubted(element)
                if name.startswith("\ue002"):
                    if name[1:] in self.states:
                        state.links.append(name[1:])
                    else:
                        is_complete = Truth.UNKNOWN
                    continue
                path = self.resolve(name)
                if path is None:
                    is_complete = _worse(is_complete, name)
                    continue
                built = Truth.UNKNOWN if doubtful else Truth.TRUE
                if path not in found or built is Truth.TRUE:
                    found[path] = Source(path, location, built)
        return list(found.values()), is_complete

    def _macros(self, state: TargetState, paths: set[str]) -> list[MacroSetting]:
        found: list[MacroSetting] = []
        for text, location in (*self.directory.definitions, *state.definitions):
            found.extend(_by_language(_definition_flags(text), location))
        for text, location in (*self.directory.options, *state.options):
            found.extend(_by_language(text, location))
        for language, text in self.directory.language_flags:
            found.extend(_settings(text, state.location, frozenset({language})))
        for path, text, location in self.properties.definitions:
            if path in paths:
                found.extend(_by_language(_definition_flags(text), location, frozenset({path})))
        for path, text, location in self.properties.options:
            if path in paths:
                found.extend(_by_language(text, location, frozenset({path})))
        return list(dict.fromkeys(found))


def _worse(is_complete: Truth, name: str) -> Truth:
    """Return a list's completeness after an element that is no file of the tree.

    A file of a fetched project leaves the tree's own files as they are (FALSE); text that nobody
    knows may hold any of them (UNKNOWN).
    """
    if name.strip(UNKNOWN) and _NATIVE.search(name):
        return is_complete if is_complete is Truth.UNKNOWN else Truth.FALSE
    return Truth.UNKNOWN if UNKNOWN in name else is_complete


def _definition_flags(text: str) -> str:
    """Return COMPILE_DEFINITIONS as flags; generator expressions keep their place."""
    return re.sub(r"(^|;|:(?!:))(?!-D|\$<|\d?>)(?=[A-Za-z_]\w*(?:=|;|>|$|\ue001))", r"\1-D", text)


def _by_language(
    text: str, location: Location, sources: frozenset[str] = frozenset()
) -> list[MacroSetting]:
    """Return the macros of an option list, each with the languages that get it."""
    if "$<" not in text:
        return _settings(text, location, frozenset(), sources)
    by_setting: dict[MacroSetting, set[str]] = {}
    for language in LANGUAGES:
        evaluated = GeneratorExpressions(language, lambda _: "").evaluate(text)
        for setting in _settings(evaluated, location, frozenset(), sources):
            by_setting.setdefault(setting, set()).add(language)
    return [
        MacroSetting(
            name=setting.name,
            value=setting.value,
            location=location,
            languages=frozenset() if len(languages) == len(LANGUAGES) else frozenset(languages),
            sources=sources,
            is_set=setting.is_set,
            removed=setting.removed,
        )
        for setting, languages in by_setting.items()
    ]


def _settings(
    text: str,
    location: Location,
    languages: frozenset[str],
    sources: frozenset[str] = frozenset(),
) -> list[MacroSetting]:
    found = []
    for flag in split_flags(text):
        found.extend(instruction_sets(flag, location, languages, sources))
        match = _DEFINITION.match(flag.strip("\"'").rstrip(DOUBTFUL))
        if match:
            doubtful = flag.endswith(DOUBTFUL) or UNKNOWN in flag
            found.append(
                MacroSetting(
                    name=match.group(2),
                    value=match.group(3) if match.group(3) is not None else "1",
                    location=location,
                    languages=languages,
                    sources=sources,
                    is_set=Truth.UNKNOWN if doubtful else Truth.TRUE,
                    removed=match.group(1) == "U",
                )
            )
    return found
