"""Everything known of a tree: what every rule and report is a function of."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opparity.checker.facts.builds import Build, Source, Target
    from opparity.checker.facts.native import (
        Declaration,
        Definition,
        MacroDefinition,
        NativeFile,
        Registration,
    )
    from opparity.checker.facts.places import Problem
    from opparity.checker.facts.platforms import Platform
    from opparity.checker.facts.python import PythonFile
    from opparity.checker.languages.python.operator_texts import OperatorText
    from opparity.checker.tree.contents import Tree


@dataclass(frozen=True)
class Project:
    """Everything known of a tree.

    Attributes:
        name: the tree's own name, for reports.
        platforms: all that the tree knows, and those asked for: what is said of one of them hangs
            on none that somebody else was asked for.
        asked: those that results are wanted for, in order.
        native: the facts of each C++, CUDA and HIP file, by path.
        builds: each build description, evaluated for each platform.
        variants: the same with one option set otherwise than by default.
        python: the facts of each Python file that touches operators, by path.
        texts: what the text of each Python file says of operators, by path.
        unparsed: the Python files that touch no operator by their text, and do not parse.
        problems: what could not be read.
    """

    name: str
    tree: Tree
    platforms: tuple[Platform, ...]
    asked: tuple[Platform, ...] = ()
    native: dict[str, NativeFile] = field(default_factory=dict)
    builds: tuple[Build, ...] = ()
    variants: tuple[Build, ...] = ()
    python: dict[str, PythonFile] = field(default_factory=dict)
    texts: Mapping[str, OperatorText] = field(default_factory=dict)
    unparsed: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def builds_on(self, platform: Platform) -> Iterator[Build]:
        """Yield the build descriptions as evaluated for a platform."""
        return (build for build in self.builds if build.platform == platform.label)

    def targets_on(self, platform: Platform) -> Iterator[Target]:
        """Yield every target that a platform's builds make."""
        for build in self.builds_on(platform):
            yield from build.targets

    @cached_property
    def definitions(self) -> dict[str, tuple[Definition, ...]]:
        """Return the tree's function definitions, by the last part of their names."""
        found: dict[str, list[Definition]] = {}
        for file in self.native.values():
            for definition in file.definitions:
                found.setdefault(definition.signature.name, []).append(definition)
        return {name: tuple(definitions) for name, definitions in found.items()}

    @cached_property
    def declarations(self) -> dict[str, tuple[Declaration, ...]]:
        """Return the tree's prototypes, by the last part of their names."""
        found: dict[str, list[Declaration]] = {}
        for file in self.native.values():
            for declaration in file.declarations:
                found.setdefault(declaration.signature.name, []).append(declaration)
        return {name: tuple(declarations) for name, declarations in found.items()}

    @cached_property
    def registrations(self) -> tuple[Registration, ...]:
        """Return every registration of the tree, compiled or not."""
        return tuple(
            registration for file in self.native.values() for registration in file.registrations
        )

    @cached_property
    def macro_definitions(self) -> dict[str, tuple[MacroDefinition, ...]]:
        """Return the tree's own `#define`s, by name."""
        found: dict[str, list[MacroDefinition]] = {}
        for file in self.native.values():
            for definition in file.macro_definitions:
                found.setdefault(definition.name, []).append(definition)
        return {name: tuple(definitions) for name, definitions in found.items()}

    def targets_compiling(self, platform: Platform, path: str) -> Iterator[tuple[Target, Source]]:
        """Yield the targets that list a source, each with its list entry."""
        for target in self.targets_on(platform):
            for source in target.sources:
                if source.path == path:
                    yield target, source
