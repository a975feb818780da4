"""A tree's facts, collected once: what every rule and report is a function of."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING

from opparity.checker.cmake.evaluation import CMakeReader
from opparity.checker.conditions import Condition, Truth, all_of, any_of, evaluate
from opparity.checker.dedicated_builds import without_foreign_builds
from opparity.checker.detection import known_platforms
from opparity.checker.linking import Linker
from opparity.checker.mentions import Mentions
from opparity.checker.name_lookup import NameLookup
from opparity.checker.naming import library_name
from opparity.checker.operators import Operators
from opparity.checker.readers.build_toml import read_build_tomls
from opparity.checker.readers.json_lists import read_json_lists
from opparity.checker.readers.native import WORTH_A_POOL, read_native_files
from opparity.checker.readers.python_calls import PythonReader
from opparity.checker.readers.registration_macros import with_macros
from opparity.checker.readers.setup_script import read_setup_scripts
from opparity.checker.translation import TranslationUnit, translation_unit
from opparity.checker.tree import Tree, open_tree
from opparity.checker.workers import Steps, Workers, collector_paused, finished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from opparity.checker.build_facts import Build, Source, Target
    from opparity.checker.facts import (
        Declaration,
        Definition,
        MacroDefinition,
        NativeFile,
        Problem,
        PythonFile,
        Registration,
    )
    from opparity.checker.platforms import Platform


@dataclass(frozen=True)
class Project:
    """Everything known of a tree.

    Attributes:
        name: the tree's own name, for reports.
        platforms: those that are checked, in order.
        native: the facts of each C++, CUDA and HIP file, by path.
        builds: each build description, evaluated for each platform.
        variants: the same with one option set otherwise than by default.
        other_builds: the same for the platforms that the tree knows and nobody asked about: what
            they register is missing on those that are checked, if these do not register it.
        python: the facts of each Python file, by path.
        problems: what could not be read.
    """

    name: str
    tree: Tree
    platforms: tuple[Platform, ...]
    native: dict[str, NativeFile] = field(default_factory=dict)
    builds: tuple[Build, ...] = ()
    variants: tuple[Build, ...] = ()
    other_builds: tuple[Build, ...] = ()
    python: dict[str, PythonFile] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def builds_on(self, platform: Platform) -> Iterator[Build]:
        """Yield the build descriptions as evaluated for a platform."""
        return (build for build in self.builds if build.platform == platform.label)

    def targets_on(self, platform: Platform) -> Iterator[Target]:
        """Yield every target that a platform's builds make."""
        for build in self.builds_on(platform):
            yield from build.targets

    @cached_property
    def linker(self) -> Linker:
        """Return what each target compiles and defines, worked out when first asked for."""
        return Linker(self)

    @cached_property
    def lookup(self) -> NameLookup:
        """Return what names mean in the native files."""
        return NameLookup(self)

    @cached_property
    def operators(self) -> Operators:
        """Return which operators exist on each platform, worked out when first asked for."""
        return Operators(self)

    @cached_property
    def mentions(self) -> Mentions:
        """Return which sources any build description names, looked up when first asked for."""
        return Mentions(self.tree)

    @cached_property
    def included(self) -> frozenset[str]:
        """Return the last parts of all paths that a native file includes."""
        return frozenset(
            include.path.rpartition("/")[2]
            for file in self.native.values()
            for include in file.includes
        )

    def is_unlisted(self, path: str) -> bool:
        """Return whether nothing in the tree names a source: no list, no script, no include."""
        is_compiled = path.endswith((".c", ".cc", ".cpp", ".cu", ".cxx", ".hip", ".mm"))
        is_included = path.rpartition("/")[2] in self.included
        return is_compiled and not is_included and not self.mentions.is_named(path)

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

    def unit(self, platform: Platform, target: Target, path: str) -> TranslationUnit:
        """Return the macros that a source sees in a target."""
        return translation_unit(platform, target, path, self.macro_definitions)

    def targets_compiling(self, platform: Platform, path: str) -> Iterator[tuple[Target, Source]]:
        """Yield the targets that list a source, each with its list entry."""
        for target in self.targets_on(platform):
            for source in target.sources:
                if source.path == path:
                    yield target, source

    def compiled_on(self, platform: Platform, path: str, condition: Condition) -> Truth:
        """Return whether a platform's builds compile a line of a source, given its condition."""
        return any_of(
            all_of(
                (
                    target.built,
                    source.built,
                    evaluate(condition, self.unit(platform, target, path)),
                )
            )
            for target, source in self.targets_compiling(platform, path)
        )


def read_project(
    source: Path | Tree, platforms: Sequence[Platform] = (), workers: Workers | None = None
) -> Project:
    """Read a tree, or the one at a path; with no platforms given, every one its build knows.

    Workers that are given are left running, for the next tree.
    """
    if workers is None:
        with Workers() as own:
            return read_project(source, platforms, own)
    tree = source if isinstance(source, Tree) else open_tree(source)
    with collector_paused():
        return finished(reading(tree, platforms, workers))


@dataclass(frozen=True, slots=True)
class Descriptions:
    """What a tree's build descriptions come to: the attributes of a project that say so."""

    platforms: tuple[Platform, ...]
    builds: tuple[Build, ...]
    variants: tuple[Build, ...]
    other_builds: tuple[Build, ...]


def describe(
    tree: Tree, platforms: Sequence[Platform], workers: Workers | None = None
) -> Callable[[], Descriptions]:
    """Return what works out a tree's builds; other processes may begin with it at once."""
    known = known_platforms(tree)
    chosen = tuple(platforms) or known
    names = {platform.name for platform in chosen}
    others = tuple(platform for platform in known if platform.name not in names)
    if workers is None:
        scripts: Callable[[], tuple[Build, ...]] = partial(read_setup_scripts, tree, chosen)
    else:
        is_large = sum(len(tree.read(path)) for path in tree.native) >= WORTH_A_POOL
        scripts = workers.beside(read_setup_scripts, tree, chosen, worthwhile=is_large)

    def work_out() -> Descriptions:
        cmake = CMakeReader(tree)
        builds = tuple(cmake.vary(_read_builds(tree, cmake, chosen, scripts), chosen))
        other_builds = _other_builds(tree, others) if others else ()
        return Descriptions(chosen, builds, tuple(cmake.variants), other_builds)

    return work_out


def reading(
    tree: Tree,
    platforms: Sequence[Platform],
    workers: Workers,
    described: Descriptions | None = None,
) -> Steps[Project]:
    """Return a tree's project, in steps; its builds may have been worked out already."""
    work_out = describe(tree, platforms, workers) if described is None else None
    read = read_native_files(tree, workers)
    python = PythonReader(tree, workers)
    found = work_out() if work_out else described
    assert found is not None
    every_build = (*found.builds, *found.other_builds)
    yield
    by_path = {file.path: file for file in read}
    native = with_macros({path: by_path[path] for path in tree.native})
    scripts = yield from python.read(_libraries(native, every_build), _modules(every_build))
    problems = [*tree.problems]
    for file in native.values():
        problems.extend(file.problems)
    for build in found.builds:
        problems.extend(build.problems)
    for script in scripts.values():
        problems.extend(script.problems)
    return Project(
        name=tree.name,
        tree=tree,
        platforms=found.platforms,
        native=native,
        builds=found.builds,
        variants=found.variants,
        other_builds=found.other_builds,
        python=scripts,
        problems=tuple(dict.fromkeys(problems)),
    )


def _other_builds(tree: Tree, platforms: tuple[Platform, ...]) -> tuple[Build, ...]:
    scripts = partial(read_setup_scripts, tree, platforms)
    return _read_builds(tree, CMakeReader(tree), platforms, scripts)


def _read_builds(
    tree: Tree,
    cmake: CMakeReader,
    platforms: tuple[Platform, ...],
    scripts: Callable[[], tuple[Build, ...]],
) -> tuple[Build, ...]:
    builds = (
        *cmake.read(platforms),
        *scripts(),
        *read_build_tomls(tree, platforms),
        *read_json_lists(tree, platforms),
    )
    return without_foreign_builds(builds)


def _libraries(native: Mapping[str, NativeFile], builds: Sequence[Build]) -> frozenset[str]:
    """Return every namespace that native files may register operators in."""
    return frozenset(
        library_name(registration.library, target)
        for build in builds
        for target in build.targets
        for source in target.sources
        if source.path in native
        for registration in native[source.path].registrations
    )


def _modules(builds: Sequence[Build]) -> frozenset[str]:
    """Return the last names of the extension modules that the builds make."""
    return frozenset(
        target.name.rpartition(".")[2]
        for build in builds
        for target in build.targets
        if target.kind in {"module", "shared", "jit"}
    ) - {""}
