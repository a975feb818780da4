"""Imports of modules that nothing makes, beside an extension that nothing imports."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from opparity.checker.facts.builds import UNKNOWN_PART
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.native import RegistrationKind
from opparity.checker.facts.records import fact
from opparity.checker.languages.detection import NOT_SHIPPED
from opparity.checker.languages.python.attribute_reads import read_attributes
from opparity.checker.languages.python.import_graph import imports_of
from opparity.checker.languages.python.import_statements import (
    names_bound,
    read_import_statements,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Link
    from opparity.checker.analysis.project import Project
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.builds import Target
    from opparity.checker.languages.python.import_statements import ImportStatement

# What else may say how a module of a package comes about.
_OF_BUILDS = re.compile(
    r"(?:^|/)(?:CMakeLists\.txt|meson\.build|BUILD(?:\.bazel)?|Makefile|MANIFEST\.in|\.gitignore"
    r"|[^/]*\.(?:cmake|toml|cfg|bzl|mk|sh|pyx|rs|in))$"
)
_NAME = re.compile(rb"\w+")
_BINDING = {RegistrationKind.BIND, RegistrationKind.DEF}


@fact
class MisnamedImport:
    """An import of a module that nothing makes.

    Attributes:
        target: the extension of the same package that nothing imports.
        function: what Python uses of the module and the extension binds; "" if it uses nothing.
        is_certain: nothing catches or tests the import, and all that may make the module was read.
    """

    module: str
    imported: ImportStatement
    target: Target
    function: str
    is_certain: bool


def misnamed_imports(analysis: Analysis) -> Iterator[MisnamedImport]:
    """Yield the first import of each module that nothing makes, for each extension left over."""
    project = analysis.project
    links: dict[str, list[Link]] = {}
    for platform in project.platforms:
        for link in analysis.linker.links_on(platform):
            links.setdefault(link.target.name, []).append(link)
    made = {name.rpartition(".")[2] for name in links}
    made |= {link.target.output for each in links.values() for link in each}
    made |= {each.module for file in project.native.values() for each in file.init_functions}
    for name, own in links.items():
        package, _, last = name.rpartition(".")
        is_module = all(link.target.kind == "module" for link in own)
        if not package or not is_module or UNKNOWN_PART in name:
            continue
        folder = _folder_of(project, package)
        if folder and not _is_named(project, last, own):
            yield from _of_package(project, folder, package, own, made)


def _of_package(
    project: Project, folder: str, package: str, links: list[Link], made: set[str]
) -> Iterator[MisnamedImport]:
    bound = {
        registration.operator
        for link in links
        for part in link.compiled
        for registration in part.file.registrations
        if registration.kind is RegistrationKind.BIND
    }
    registers = any(
        each.kind in _BINDING
        for link in links
        for part in link.compiled
        for each in part.file.registrations
    )
    own_names = names_bound(project.tree, f"{folder}/__init__.py", package)
    made = made | _names_in(project, folder) | (own_names or frozenset())
    told: dict[str, MisnamedImport] = {}
    for path in project.tree.python:
        is_within = path.startswith(f"{folder}/") and not NOT_SHIPPED.search(path)
        if not is_within or not any(_unmade(project, path, folder, package, made)):
            continue
        statements = read_import_statements(project.tree, path)
        within = package + posixpath.dirname(path)[len(folder) :].replace("/", ".")
        for each in statements:
            name, taken = _asked(each, within, package)
            if not name or name in made or each.is_caught:
                continue
            used = {taken} if taken else _read_of(project, path, each)
            function = min(used & bound, default="")
            is_silent = not used and registers and not bound and name.startswith("_")
            is_known = own_names is not None or taken != ""
            if (function or is_silent) and name not in told:
                is_certain = (
                    bool(function)
                    and is_known
                    and not each.is_tested
                    and _all_is_read(project, links)
                    and not _may_be_made(project, folder, name)
                )
                told[name] = MisnamedImport(
                    f"{package}.{name}", each, links[0].target, function, is_certain
                )
    yield from told.values()


def _unmade(
    project: Project, path: str, folder: str, package: str, made: set[str]
) -> Iterator[str]:
    """Yield what a file may import of a package that nothing makes, by the text of its lines."""
    outside = folder[: len(folder) - len(package)]
    for _, module, names in imports_of(path.removeprefix(outside), project.tree.read(path)):
        written = module.decode(errors="replace")
        own = [written.rpartition(".")[2]] if written.rpartition(".")[0] == package else []
        if written == package:
            own = [each.decode() for each in _NAME.findall(names)]
        yield from (each for each in own if each not in made)


def _folder_of(project: Project, package: str) -> str:
    """Return the folder of a package; "" where there is none, or several."""
    wanted = package.replace(".", "/") + "/__init__.py"
    found = [path for path in project.tree.python if path == wanted or path.endswith(f"/{wanted}")]
    return posixpath.dirname(found[0]) if len(found) == 1 else ""


def _is_named(project: Project, name: str, links: list[Link]) -> bool:
    """Return whether any Python but the build's own has a module's name: it may load it."""
    word = re.compile(rb"(?<![\w])" + re.escape(name.encode()) + rb"(?!\w)")
    scripts = {link.description for link in links}
    scripts |= {link.target.location.path for link in links}
    return any(
        name.encode() in project.tree.read(path) and word.search(project.tree.read(path))
        for path in project.tree.python
        if path not in scripts
    )


def _asked(statement: ImportStatement, within: str, package: str) -> tuple[str, str]:
    """Return the module of a package that is imported, and what is taken from it; "" for none."""
    written = statement.module
    rest = written.lstrip(".")
    level = len(written) - len(rest)
    if level:
        parts = within.split(".")
        base = parts[: len(parts) - level + 1]
        written = ".".join([*base, *([rest] if rest else [])])
    if written == package:
        return statement.name, ""
    if written.rpartition(".")[0] == package:
        return written.rpartition(".")[2], statement.name
    return "", ""


def _names_in(project: Project, folder: str) -> set[str]:
    """Return the names of the files and folders of a package, without what ends them."""
    start = f"{folder}/"
    return {
        path.removeprefix(start).partition("/")[0].partition(".")[0]
        for path in project.tree.files
        if path.startswith(start)
    }


def _read_of(project: Project, path: str, statement: ImportStatement) -> set[str]:
    reads = read_attributes(project.tree, path)
    whole = {statement.bound, f"{statement.module}.{statement.name}"}
    return {each.name for each in reads if each.owner in whole}


def _all_is_read(project: Project, links: list[Link]) -> bool:
    """Return whether what the builds make is known, and the extension is surely among it."""
    return (
        all(link.target.built is Truth.TRUE for link in links)
        and not any(build.problems or build.is_refused for build in project.builds)
        and not any(
            UNKNOWN_PART in target.name for build in project.builds for target in build.targets
        )
    )


def _may_be_made(project: Project, folder: str, name: str) -> bool:
    """Return whether something outside of the package names a module: it may make it."""
    word = re.compile(rb"(?<![\w.])(?:[\w.]+\.)?" + re.escape(name.encode()) + rb"(?!\w)")
    return any(
        word.search(project.tree.read(path))
        for path in project.tree.files
        if not path.startswith(f"{folder}/")
        and (path.endswith(".py") or _OF_BUILDS.search(path))
        and project.tree.is_readable(path)
    )
