"""A tree's facts, collected once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from opparity.checker.analysis.asked_platforms import refuse_unknown
from opparity.checker.analysis.dedicated_builds import without_foreign_builds
from opparity.checker.analysis.project import Project
from opparity.checker.facts.names import library_name
from opparity.checker.languages.cmake.evaluation import CMakeReader
from opparity.checker.languages.cpp.across_files import link_files
from opparity.checker.languages.cpp.reader import WORTH_A_POOL, read_native_files
from opparity.checker.languages.data.build_toml import read_build_tomls
from opparity.checker.languages.data.json_lists import read_json_lists
from opparity.checker.languages.detection import known_platforms
from opparity.checker.languages.python.reader import PythonReader
from opparity.checker.languages.setup_py.reader import read_setup_scripts
from opparity.checker.languages.workers import Steps, Workers, collector_paused, finished
from opparity.checker.tree.contents import Tree
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
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
    with collector_paused():
        return finished(reading(tree, platforms, workers))


@dataclass(frozen=True, slots=True)
class Descriptions:
    """What a tree's build descriptions come to: the attributes of a project that say so."""

    platforms: tuple[Platform, ...]
    asked: tuple[Platform, ...]
    builds: tuple[Build, ...]
    variants: tuple[Build, ...]


def describe(
    tree: Tree, platforms: Sequence[Platform], workers: Workers | None = None
) -> Callable[[], Descriptions]:
    """Return what works out a tree's builds; other processes may begin with it at once."""
    refuse_unknown(tree, platforms)
    known = known_platforms(tree)
    asked = tuple(platforms) or known
    every = tuple(dict.fromkeys((*known, *asked)))
    if workers is None:
        scripts: Callable[[], tuple[Build, ...]] = partial(read_setup_scripts, tree, every)
    else:
        is_large = sum(len(tree.read(path)) for path in tree.native) >= WORTH_A_POOL
        scripts = workers.beside(read_setup_scripts, tree, every, worthwhile=is_large)

    def work_out() -> Descriptions:
        cmake = CMakeReader(tree)
        builds = tuple(cmake.vary(_read_builds(tree, cmake, every, scripts), every))
        return Descriptions(every, asked, builds, tuple(cmake.variants))

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
    yield
    by_path = {file.path: file for file in read}
    native = link_files({path: by_path[path] for path in tree.native})
    scripts = yield from python.read(_libraries(native, found.builds), _modules(found.builds))
    problems = [*tree.problems]
    for file in native.values():
        problems.extend(file.problems)
    labels = {platform.label for platform in found.asked}
    for build in found.builds:
        problems.extend(build.problems if build.platform in labels else ())
    for script in scripts.values():
        problems.extend(script.problems)
    return Project(
        name=tree.name,
        tree=tree,
        platforms=found.platforms,
        asked=found.asked,
        native=native,
        builds=found.builds,
        variants=found.variants,
        python=scripts,
        texts=python.texts,
        problems=tuple(dict.fromkeys(problems)),
    )


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
