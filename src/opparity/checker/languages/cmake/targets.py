"""Targets while a build is evaluated, and the frozen records that come of them."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opparity.checker.facts.builds import UNKNOWN_PART, MacroSetting, Source, Target
from opparity.checker.facts.conditions import Truth, all_of
from opparity.checker.languages.cmake.expansion import GeneratorExpressions, split_flags
from opparity.checker.languages.cmake.values import DOUBTFUL, UNKNOWN, split_list, undoubted
from opparity.checker.languages.compiler_flags import instruction_sets
from opparity.checker.languages.interpreting import charge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from opparity.checker.facts.places import Location

# As `charge` counts them: what a record costs here, and each one that looks at it later.
_PARTS_OF_A_TARGET = 2000
_PARTS_OF_A_LINK = 50
_PARTS_OF_A_SETTING = 20
_PARTS_OF_A_COMPILED = 30
LANGUAGES = ("CXX", "CUDA", "HIP")
_DEFINITION = re.compile(r"^[-/]([DU])(\w+)(?:=(.*))?$", re.DOTALL)
_VISIBILITY = re.compile(r"-fvisibility=(\w+)")
_NATIVE = re.compile(r"\.(c|cc|cpp|cxx|cu|hip|mm|sycl)$", re.IGNORECASE)


@dataclass(slots=True)
class Shared:
    """What a target gives to whatever links it."""

    listed: list[tuple[str, Location]] = field(default_factory=list)
    definitions: list[tuple[str, Location]] = field(default_factory=list)
    options: list[tuple[str, Location]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Gathered:
    """What `add_definitions` and its kind gather in a directory, for all of its targets."""

    definitions: list[tuple[str, Location]] = field(default_factory=list)
    options: list[tuple[str, Location]] = field(default_factory=list)
    language_flags: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class TargetState:
    """A target as the commands so far have made it.

    Attributes:
        listed: each source's text as listed, and where.
        definitions, options: property values with their generator expressions, and where set.
        shared: the same for whatever links the target: its INTERFACE_ properties.
        directory: where it was made; None for one of the top.
        output: the name of its file, where that is set.
    """

    name: str
    kind: str
    location: Location
    listed: list[tuple[str, Location]] = field(default_factory=list)
    definitions: list[tuple[str, Location]] = field(default_factory=list)
    options: list[tuple[str, Location]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    built: Truth = Truth.TRUE
    shared: Shared = field(default_factory=Shared)
    directory: Gathered | None = None
    output: str = ""


@dataclass(slots=True)
class SourceProperties:
    """Definitions, options and languages of single sources."""

    definitions: list[tuple[str, str, Location]] = field(default_factory=list)
    options: list[tuple[str, str, Location]] = field(default_factory=list)
    languages: set[str] = field(default_factory=set)


class Finisher:
    """Turns target states into records.

    Attributes:
        resolve: source text -> path in the tree, or None where it is none.
        absent: the same for a file that should be in the tree and is not.
        compiles: whether the language of a source is enabled.
    """

    def __init__(
        self,
        states: dict[str, TargetState],
        properties: SourceProperties,
        resolve: Callable[[str], str | None],
        absent: Callable[[str], str | None],
        compiles: Callable[[str], Truth],
    ) -> None:
        self.states = states
        self.properties = properties
        self.resolve = resolve
        self.absent = absent
        self.compiles = compiles
        self.definitions_of = _by_path(properties.definitions)
        self.options_of = _by_path(properties.options)

    def finish(self, state: TargetState) -> Target:
        """Return a target's record.

        Raises:
            OutOfSteps: what it links, or has of its directory, is too much.
        """
        charge(_PARTS_OF_A_TARGET)
        given = list(self._given(state))
        sources, absent, is_complete = self._sources(state, given)
        return Target(
            name=_shown(state.name),
            kind=state.kind,
            sources=tuple(sources),
            location=state.location,
            macros=tuple(self._macros(state, given, {source.path for source in sources})),
            is_complete=is_complete,
            absent=tuple(absent),
            links=tuple(dict.fromkeys(map(_shown, state.links))),
            built=state.built,
            is_hidden=_hides(state),
            output=_shown(state.output),
        )

    def _given(self, state: TargetState) -> Iterator[Shared]:
        """Yield what the targets that one links give it, and those that these give on."""
        seen = {state.name}
        links = dict.fromkeys(state.links)
        waiting = deque(state.links)
        while waiting:
            linked = self.states.get(waiting.popleft())
            if linked is not None and linked.name not in seen:
                # What it compiles is part of whatever links it.
                compiled = _PARTS_OF_A_COMPILED * len(linked.listed)
                charge(_PARTS_OF_A_LINK + compiled + len(linked.shared.links))
                seen.add(linked.name)
                yield linked.shared
                waiting.extend(linked.shared.links)
                if linked.kind == "interface":
                    links.update(dict.fromkeys(linked.shared.links))
        state.links[:] = links

    def _sources(
        self, state: TargetState, given: Sequence[Shared]
    ) -> tuple[list[Source], list[Source], Truth]:
        """Return the sources that the tree has, those that it lacks, and whether these are all."""
        found: dict[str, Source] = {}
        absent: dict[str, Source] = {}
        is_complete = Truth.TRUE
        expressions = GeneratorExpressions("CXX", lambda name: f"\ue002{name}")
        listed = [*state.listed, *(each for shared in given for each in shared.listed)]
        for text, location in listed:
            for element in split_list(expressions.evaluate(text)):
                charge(_PARTS_OF_A_SETTING)
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
                    lacking = self.absent(name)
                    if lacking is not None:
                        built = Truth.UNKNOWN if doubtful else Truth.TRUE
                        absent.setdefault(lacking, Source(lacking, location, built))
                    continue
                built = all_of((Truth.UNKNOWN if doubtful else Truth.TRUE, self.compiles(path)))
                if built is Truth.FALSE:
                    continue  # CMake passes over what it has no compiler for
                if path not in found or built is Truth.TRUE:
                    found[path] = Source(path, location, built)
        return list(found.values()), list(absent.values()), is_complete

    def _macros(
        self, state: TargetState, given: Sequence[Shared], paths: set[str]
    ) -> list[MacroSetting]:
        found: list[MacroSetting] = []
        directory = state.directory or Gathered()
        parts: list[Gathered | TargetState | Shared] = [directory, state, *given]
        for text, location in (each for part in parts for each in part.definitions):
            found.extend(_by_language(text, _definition_flags, location))
        for text, location in (each for part in parts for each in part.options):
            found.extend(_by_language(text, split_flags, location))
        for language, text in directory.language_flags:
            found.extend(_settings(split_flags(text), state.location, frozenset({language})))
        for path, text, location in _of_paths(self.definitions_of, paths):
            found.extend(_by_language(text, _definition_flags, location, frozenset({path})))
        for path, text, location in _of_paths(self.options_of, paths):
            found.extend(_by_language(text, split_flags, location, frozenset({path})))
        return list(dict.fromkeys(found))


def _by_path(
    listed: Sequence[tuple[str, str, Location]],
) -> dict[str, dict[int, tuple[str, str, Location]]]:
    """Return the properties of sources by their paths, each with its place among all."""
    found: dict[str, dict[int, tuple[str, str, Location]]] = {}
    for number, each in enumerate(listed):
        found.setdefault(each[0], {})[number] = each
    return found


def _of_paths(
    by_path: Mapping[str, Mapping[int, tuple[str, str, Location]]], paths: set[str]
) -> list[tuple[str, str, Location]]:
    """Return the properties of some sources, in the order in which they were set."""
    found: dict[int, tuple[str, str, Location]] = {}
    for path in paths & by_path.keys():
        found.update(by_path[path])
    return [found[number] for number in sorted(found)]


def _hides(state: TargetState) -> bool:
    """Return whether a target keeps its functions to itself, unless they say otherwise."""
    texts = [text for text, _ in (*(state.directory or Gathered()).options, *state.options)]
    texts += [text for _, text in (state.directory or Gathered()).language_flags]
    found = [match[1] for text in texts for match in _VISIBILITY.finditer(text)]
    return found[-1:] == ["hidden"]


def _worse(is_complete: Truth, name: str) -> Truth:
    """Return a list's completeness after an element that is no file of the tree.

    A file of a fetched project leaves the tree's own files as they are (FALSE); text that nobody
    knows may hold any of them (UNKNOWN).
    """
    if name.strip(UNKNOWN) and _NATIVE.search(name):
        return is_complete if is_complete is Truth.UNKNOWN else Truth.FALSE
    return Truth.UNKNOWN if UNKNOWN in name else is_complete


def _definition_flags(text: str) -> list[str]:
    """Return COMPILE_DEFINITIONS as flags, one for each element."""
    elements = (element.strip() for element in split_list(text))
    return [each if each.startswith("-D") else f"-D{each}" for each in elements if each]


def _by_language(
    text: str,
    flags_of: Callable[[str], list[str]],
    location: Location,
    sources: frozenset[str] = frozenset(),
) -> list[MacroSetting]:
    """Return the macros of a property's text, each with the languages that get it."""
    charge(_PARTS_OF_A_SETTING + len(text) // 4)
    if "$<" not in text:
        return _settings(flags_of(text), location, frozenset(), sources)
    by_setting: dict[MacroSetting, set[str]] = {}
    for language in LANGUAGES:
        evaluated = GeneratorExpressions(language, lambda _: "").evaluate(text)
        for setting in _settings(flags_of(evaluated), location, frozenset(), sources):
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
    flags: Sequence[str],
    location: Location,
    languages: frozenset[str],
    sources: frozenset[str] = frozenset(),
) -> list[MacroSetting]:
    found = []
    for flag in flags:
        found.extend(instruction_sets(flag, location, languages, sources))
        match = _DEFINITION.match(_unquoted(flag.rstrip(DOUBTFUL)))
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


def _unquoted(flag: str) -> str:
    """Return a flag without the quotes around the whole of it."""
    return flag[1:-1] if len(flag) > 1 and flag[0] == flag[-1] and flag[0] in "\"'" else flag


def _shown(name: str) -> str:
    """Return a target's name as it can be read, where a part of it is not known."""
    return name.replace(UNKNOWN, UNKNOWN_PART)
