"""The state of a CMake evaluation: variables, targets, paths, and what conditions may ask."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth, any_of, truth_of
from opparity.checker.facts.records import fact
from opparity.checker.languages.cmake.configuration import (
    BINARY,
    COMMANDS_WITHOUT_OUTPUT,
    SET_BY_PACKAGES,
    SOURCE,
    initial_variables,
    option_value,
    processor_text,
    switch_value,
)
from opparity.checker.languages.cmake.scopes import Scope
from opparity.checker.languages.cmake.targets import Gathered, SourceProperties, TargetState
from opparity.checker.languages.cmake.text_commands import match_variables
from opparity.checker.languages.cmake.values import UNKNOWN, is_decided, merge
from opparity.checker.languages.interpreting import Steps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opparity.checker.facts.places import Location, Problem
    from opparity.checker.facts.platforms import Platform
    from opparity.checker.languages.cmake.syntax import Block, Statement


_SHORT = 1000


@fact
class Routine:
    """A `function` or `macro` of the tree."""

    block: Block
    parameters: tuple[str, ...]
    is_macro: bool


# Folders that a clone with submodules has, or that a build fills.
_FETCHED = re.compile(
    r"(?:^|/)(?:third[_-]?party|3rd_?party|externals?|extern|submodules?|deps|vendor|build)(?:/|$)",
    re.IGNORECASE,
)


class Prefixes:
    """What names of variables may begin with."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.lengths: set[int] = set()

    def add(self, prefix: str) -> None:
        """Add one."""
        self.known.add(prefix)
        self.lengths.add(len(prefix))

    def begins(self, name: str) -> bool:
        """Return whether a name begins with one."""
        return any(name[:length] in self.known for length in self.lengths)


class ConfigurationFailedError(Exception):
    """The description itself refuses the platform."""

    def __init__(self, location: Location) -> None:
        super().__init__(str(location))
        self.location = location


class LanguageAbsentError(Exception):
    """The description is for another platform's language alone."""


class State:
    """What the commands so far have made.

    Attributes:
        doubt: how many undecided conditions are around the current statement.
        places: source text -> where a list names it.
        external: lower-case prefixes of variables that packages outside the tree set.
        options: what whoever builds may choose: name -> default, and where it is offered.
        chosen: options that are not left at their defaults.
        has_cuda: whether CUDA is among the languages that are enabled; TRUE as long as no
            `project` has said any.
    """

    def __init__(
        self,
        platform: Platform,
        switches: Mapping[str, frozenset[str]],
        files: frozenset[str],
        parse: Callable[[str], tuple[Statement, ...] | None],
        text_of: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self.platform = platform
        self.switches = switches
        self.files = files
        self.folders = _folders(files)
        self.hipified = _hipified(files)
        self.parse = parse
        self.text_of = text_of
        self.presumed = initial_variables(platform)
        self.scope = Scope(dict(self.presumed))
        self.targets: dict[str, TargetState] = {}
        self.source_properties = SourceProperties()
        self.global_properties: dict[str, str] = {}
        self.directory = Gathered()
        self.routines: dict[str, Routine] = {}
        self.places: dict[str, Location] = {}
        self.written: set[str] = set()
        self.external = Prefixes()
        self.options: dict[str, tuple[str, Location]] = {}
        self.chosen: Mapping[str, str] = {}
        self.aliases: dict[str, str] = {}
        # Imported libraries that lie in the tree: they may have been made of any of its files.
        self.bundled: set[str] = set()
        self.problems: list[Problem] = []
        self.made: set[str] = set()
        self.doubt = 0
        self.has_cuda: Truth = Truth.TRUE
        self.is_project = False
        self.steps = Steps()
        self.calls = 0
        self.bindings: dict[str, str] = {}
        self.entered: set[str] = set()
        self.commands: Mapping[str, Callable[..., None]] = {}

    def weighed(self, value: str) -> str:
        """Return a value, having counted the time that it takes to take it apart."""
        if len(value) > _SHORT:
            is_plain = "[" not in value and "\\;" not in value
            self.steps.count(
                len(value) // 2000 + value.count(";") // 64 if is_plain else len(value) // 40
            )
        return value

    def lookup(self, name: str) -> str | None:
        """Return a variable's value; None where nothing defines it."""
        value = self.scope.variables.get(name)
        if value is not None:
            return value
        if name in self.switches:
            chosen = switch_value(name, self.switches[name], self.platform)
            if chosen is not None:
                return chosen
        if self.external.begins(name.lower()):
            return UNKNOWN
        return option_value(name, self.platform)

    def is_presumed(self, name: str) -> bool:
        """Return whether a variable has its value only because some package would set it."""
        return name in SET_BY_PACKAGES and self.scope.variables.get(name) == self.presumed.get(name)

    def read(self, name: str) -> str:
        """Return what `${name}` stands for."""
        if name in self.bindings:
            return self.weighed(self.bindings[name])
        return self.weighed(self.lookup(name) or "")

    def assign(self, name: str, value: str, scope: Scope | None = None) -> None:
        """Set a variable, of this scope unless another is given."""
        (scope or self.scope).variables[name] = self.weighed(value)

    def offer(self, name: str, default: str, location: Location) -> None:
        """Set an option to what was chosen, or else to its default."""
        self.options.setdefault(name, (default, location))
        self.assign(name, self.chosen.get(name, default))

    def exists(self, path: str) -> Truth:
        """Return whether a path exists; only the tree's own are known.

        What is missing from a submodule, or from a folder that is not there, a build may have.
        """
        inside = self.inside(path)
        if inside is None:
            return self._exists_outside(path)
        if inside in self.files or inside in self.folders:
            return Truth.TRUE
        parent = posixpath.dirname(inside)
        is_fetched = _FETCHED.search(inside) or (parent and parent not in self.folders)
        return Truth.UNKNOWN if is_fetched else Truth.FALSE

    def is_file(self, path: str) -> bool:
        """Return whether a path is a file of the tree."""
        return self.inside(path) in self.files

    def _exists_outside(self, path: str) -> Truth:
        """Return whether the platform's machine has a toolkit's file."""
        if not is_decided(path):
            return Truth.UNKNOWN
        if "rocm" in path or "hip" in path:
            return truth_of(self.platform.language == "HIP")
        if "cuda" in path or "nvcc" in path:
            return truth_of(self.platform.language == "CUDA")
        return Truth.UNKNOWN

    def enable(self, languages: Sequence[str], *, is_project: bool = False) -> None:
        """Take the languages that `project` or `enable_language` names."""
        if is_project and not self.is_project and not self.doubt:
            self.is_project = True
            self.has_cuda = Truth.FALSE
        if "CUDA" in languages or any(UNKNOWN in language for language in languages):
            is_sure = "CUDA" in languages and not self.doubt
            self.has_cuda = any_of(
                (self.has_cuda, Truth.TRUE if is_sure else Truth.UNKNOWN),
            )

    def compiles(self, path: str) -> Truth:
        """Return whether the language of a source is enabled.

        Where the platform has CUDA, torch's package enables it in the build that asks for torch.
        """
        is_plain = path in self.source_properties.languages or not path.endswith(".cu")
        return Truth.TRUE if is_plain or self.platform.language != "CPU" else self.has_cuda

    def has_target(self, name: str) -> Truth:
        """Return whether a target exists; imported ones are not known."""
        if name in self.targets or name in self.aliases:
            return Truth.TRUE
        return Truth.UNKNOWN if "::" in name else Truth.FALSE

    def has_command(self, name: str) -> Truth:
        """Return whether a command exists; a package outside the tree may bring one."""
        lower = name.lower()
        if lower in self.routines or lower in self.commands or lower in COMMANDS_WITHOUT_OUTPUT:
            return Truth.TRUE
        return Truth.UNKNOWN if self.external.known else Truth.FALSE

    def matched(self, groups: Sequence[str]) -> None:
        """Set CMAKE_MATCH_<n> and their count."""
        self.scope.variables.update(match_variables(groups))

    def inside(self, path: str) -> str | None:
        """Return a path relative to the tree's root; None for one outside or not known."""
        if not is_decided(path):
            return None
        base = self.read("CMAKE_CURRENT_SOURCE_DIR") or SOURCE
        whole = posixpath.normpath(posixpath.join(base, path))
        if whole == SOURCE:
            return "."
        return whole.removeprefix(f"{SOURCE}/") if whole.startswith(f"{SOURCE}/") else None

    def processor_text(self) -> str:
        """Return what /proc/cpuinfo would say."""
        return processor_text(self.platform)

    def target(self, name: str) -> TargetState | None:
        """Return a target of the tree, also by an alias."""
        return self.targets.get(self.aliases.get(name, name))

    def mark(self, value: str) -> str:
        """Return a list whose elements are doubtful where the current statement is."""
        return merge("", value) if self.doubt else value

    def absolute(self, source: str) -> str:
        """Return a source's text from the root, so that it means the same everywhere."""
        if source.startswith(("/", "$<", UNKNOWN)):
            return source
        return posixpath.join(self.read("CMAKE_CURRENT_SOURCE_DIR") or SOURCE, source)

    def resolve_source(self, source: str) -> str | None:
        """Return a source's path in the tree, undoing hipify's renaming; None if it has none."""
        if not is_decided(source):
            return None
        whole = posixpath.normpath(self.absolute(source))
        for root in (f"{SOURCE}/", f"{BINARY}/"):
            if whole.startswith(root):
                path = whole.removeprefix(root)
                if path in self.files:
                    return path
                return self.hipified.get(path)
        return None


def hipified_name(path: str) -> str:
    """Return the name that hipify gives to a CUDA file."""
    return re.sub(r"\.cu$", ".hip", path).replace("cuda", "hip")


# A tree's files are the same in each of its builds, on each platform.
@lru_cache(maxsize=2)
def _hipified(files: frozenset[str]) -> Mapping[str, str]:
    return {hipified_name(path): path for path in sorted(files) if ".cu" in path}


@lru_cache(maxsize=2)
def _folders(files: frozenset[str]) -> frozenset[str]:
    found: set[str] = {"."}
    for path in files:
        folder = posixpath.dirname(path)
        while folder and folder not in found:
            found.add(folder)
            folder = posixpath.dirname(folder)
    return frozenset(found)
