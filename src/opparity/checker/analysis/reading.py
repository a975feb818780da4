"""A tree's facts, collected once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker import bounds
from opparity.checker.analysis.asked_platforms import refuse_unknown
from opparity.checker.analysis.dedicated_builds import without_foreign_builds
from opparity.checker.analysis.project import Project
from opparity.checker.facts.names import (
    EXTENSION_NAME,
    library_name,
    module_name,
    plain_library,
)
from opparity.checker.facts.native import RegistrationKind
from opparity.checker.languages.cmake.evaluation import CMakeReader
from opparity.checker.languages.cpp.across_files import link_files
from opparity.checker.languages.cpp.reader import read_native_files
from opparity.checker.languages.data.build_toml import read_build_tomls
from opparity.checker.languages.data.json_lists import read_json_lists
from opparity.checker.languages.detection import COMPILED, known_platforms
from opparity.checker.languages.python.reader import PythonReader
from opparity.checker.languages.setup_py.reader import read_setup_scripts
from opparity.checker.languages.workers import Workers
from opparity.checker.tree.contents import Tree
from opparity.checker.tree.opening import open_tree
from opparity.collector import collector_paused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from opparity.checker.facts.builds import Build
    from opparity.checker.facts.native import NativeFile
    from opparity.checker.facts.platforms import Platform


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
    with collector_paused(), bounds.stage(bounds.READING, "reading it", tree.name, tree.places):
        return _read(tree, platforms, workers)


def _read(tree: Tree, platforms: Sequence[Platform], workers: Workers) -> Project:
    refuse_unknown(tree, platforms)
    known = known_platforms(tree)
    asked = tuple(platforms) or known
    every = tuple(dict.fromkeys((*known, *asked)))
    # Other processes read while the builds are worked out here.
    read = read_native_files(tree, workers)
    python = PythonReader(tree, workers)
    cmake = CMakeReader(tree)
    builds = tuple(cmake.vary(_read_builds(tree, cmake, every), every))
    by_path = {file.path: file for file in read}
    native = link_files({path: by_path[path] for path in tree.native})
    scripts = python.read(
        _libraries(native, builds), _modules(builds) | _initialised(native, builds)
    )
    labels = {platform.label for platform in asked}
    reported = [
        *tree.problems,
        *workers.unread.values(),
        *cmake.problems,
        *(problem for file in native.values() for problem in file.problems),
        *(problem for each in builds if each.platform in labels for problem in each.problems),
        *(problem for script in scripts.values() for problem in script.problems),
    ]
    return Project(
        name=tree.name,
        tree=tree,
        platforms=every,
        asked=asked,
        native=native,
        builds=builds,
        variants=tuple(cmake.variants),
        python=scripts,
        texts=python.texts,
        unparsed=python.unparsed,
        problems=tuple(dict.fromkeys(reported)),
    )


def _read_builds(
    tree: Tree,
    cmake: CMakeReader,
    platforms: tuple[Platform, ...],
) -> tuple[Build, ...]:
    builds = (
        *cmake.read(platforms),
        *read_setup_scripts(tree, platforms),
        *read_build_tomls(tree, platforms),
        *read_json_lists(tree, platforms),
    )
    return without_foreign_builds(builds)


def _libraries(native: Mapping[str, NativeFile], builds: Sequence[Build]) -> frozenset[str]:
    """Return every namespace that native files may register operators in."""
    listed = {
        library_name(registration.library, target)
        for build in builds
        for target in build.targets
        for source in target.sources
        if source.path in native
        for registration in native[source.path].registrations
    }
    # A header's blocks are compiled with whatever includes it.
    shared = {
        plain_library(registration.library)
        for path, file in native.items()
        if not path.endswith(COMPILED)
        for registration in file.registrations
        if registration.kind is not RegistrationKind.BIND
    }
    return frozenset(listed | (shared - {""}))


def _modules(builds: Sequence[Build]) -> frozenset[str]:
    """Return the last names of the extension modules that the builds make.

    Those of a build.toml are imported by names that only its builder knows.
    """
    return frozenset(
        module_name(target)
        for build in builds
        for target in build.targets
        if target.kind in {"module", "shared", "jit"}
        and not build.description.endswith("build.toml")
    ) - {""}


def _initialised(native: Mapping[str, NativeFile], builds: Sequence[Build]) -> frozenset[str]:
    """Return the names that the modules' sources give them, whatever the builds call these."""
    modules = [target for build in builds for target in build.targets if target.kind == "module"]
    sources = {source.path for target in modules for source in target.sources}
    given = {macro.name for target in modules for macro in target.macros}
    written = {
        each.module for path in sources if path in native for each in native[path].init_functions
    }
    values: dict[str, set[str]] = {}
    for file in native.values() if written else ():
        for macro in file.macro_definitions:
            values.setdefault(macro.name, set()).add(macro.value.strip())
    found: set[str] = set()
    while not written <= found:
        found |= written
        written = {value for name in written for value in values.get(name, ())}
    # Whatever the build gives a name by a macro is the name that the build itself has for it.
    macros = {*values, *given, EXTENSION_NAME}
    return frozenset(name for name in found if name.isidentifier() and name not in macros)
