"""BLD012."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.doubts import because
from opparity.checker.analysis.guards import handles_absence
from opparity.checker.analysis.operators import Process
from opparity.checker.facts.builds import UNKNOWN_PART
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.places import Location, Related
from opparity.checker.facts.python import CallKind
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.checker.rules.module_without_bindings import lacks_bindings
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Compiled, Link
    from opparity.checker.analysis.project import Project
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.builds import Target
    from opparity.checker.facts.python import Call

_SET_BY_THE_BUILD = "TORCH_EXTENSION_NAME"
_MOST_DEPTH = 5
# Cython and SWIG write the init function themselves; that a source is not there, BLD018 says.
_MAKE_THEIR_OWN = (".pyx", ".pxd", ".py", ".i")


class ModuleWithoutInitFunction(Rule):
    """An extension module has no init function, or one of another name than it is built under.

    ## Why is this bad?
    Python looks for `PyInit_` and the last part of the module's name.
    Where the sources define it for another name, or not at all, the import fails with
    `ImportError: dynamic module does not define module export function`.
    `TORCH_LIBRARY` makes no init function: a library that has nothing else can only be loaded by
    `torch.ops.load_library`.
    Where no source that was read has one at all, that is an unknown.

    ## Example
    `PYBIND11_MODULE(_kernels, m)` in the sources of `CUDAExtension("demo.common_ops", …)`, and
    `from demo import common_ops` in Python.

    ## Use instead
    Define the init function for the name that the module is built under, which torch's build
    scripts define as `TORCH_EXTENSION_NAME`.
    A module that only registers operators needs no more than
    `PyMODINIT_FUNC PyInit__C() { return PyModule_Create(&definition); }`.

    ## Before and after
    Before, in `csrc/bindings.cpp`:

    ```cpp
    PYBIND11_MODULE(_kernels, m) { m.doc() = "registers operators"; }
    ```

    After:

    ```cpp
    PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.doc() = "registers operators"; }
    ```
    """

    code = "BLD012"
    name = "module-without-init-function"
    severity = Severity.ERROR
    effect = Effect.IMPORT

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each module that Python imports and that has no init function of its name."""
        yield from self._without_any(analysis)
        imports = [
            call
            for file in analysis.project.python.values()
            for call in file.calls
            if call.kind is CallKind.IMPORT
        ]
        macros = _defining_macros(analysis.project)
        for platform in analysis.project.platforms:
            process = Process(platform, analysis.operators)
            imported = {
                call.library.rpartition(".")[2]: call
                for call in imports
                if process.truth_of(call.guards) is not Truth.FALSE
            }
            links = list(analysis.linker.links_on(platform))
            made = {_made(link.target) for link in links}
            for link in links:
                name = _made(link.target)
                if link.target.kind != "module" or UNKNOWN_PART in name:
                    continue
                entries = dict(_entries(analysis, link, macros))
                if not entries or name in entries or not _are_literal(analysis.project, entries):
                    continue
                if link.is_complete is not Truth.TRUE or link.target.built is not Truth.TRUE:
                    continue
                # Python asks for the module by the build's name, or by that in the sources.
                asked = [each for each in (name, *entries) if each in imported]
                if asked and (asked[0] == name or made.isdisjoint(asked)):
                    yield self._finding(link, entries, imported[asked[0]])

    def _without_any(self, analysis: Analysis) -> Iterator[Unknown]:
        """Yield each module that Python imports and of which no source has an init function."""
        imports: dict[str, list[Call]] = {}
        for file in analysis.project.python.values():
            for call in file.calls:
                if call.kind is CallKind.IMPORT and not handles_absence(call):
                    imports.setdefault(call.library.rpartition(".")[2], []).append(call)
        macros = _defining_macros(analysis.project)
        for platform in analysis.project.platforms if imports else ():
            process = Process(platform, analysis.operators)
            made: dict[str, list[Link]] = {}
            for link in analysis.linker.links_on(platform):
                made.setdefault(_made(link.target), []).append(link)
            for name, links in made.items():
                asked = [
                    call
                    for call in imports.get(name, ())
                    if process.truth_of(call.guards) is not Truth.FALSE
                ]
                # Of two builds of one module, either may be what Python finds.
                is_any_entered = any(any(_entries(analysis, each, macros)) for each in links)
                for link in links if asked and not is_any_entered else ():
                    yield from self._absent(analysis, link, asked)

    def _absent(self, analysis: Analysis, link: Link, imports: list[Call]) -> Iterator[Unknown]:
        """Yield that a module is imported of which no source has an init function.

        Such an import fails when it is tried. It is an unknown nonetheless: none of 201 published
        trees has the mistake, and those in which it was found are sketches without the function.
        """
        target, project = link.target, analysis.project
        asked = next((each for each in imports if _is_of(project, each, link)), None)
        is_whole = link.is_complete is Truth.TRUE and target.built is Truth.TRUE
        is_made_elsewhere = any(
            each.path.endswith(_MAKE_THEIR_OWN) or each.path not in project.tree.files
            for each in (*target.sources, *target.absent)
        )
        if target.kind != "module" or asked is None or not is_whole or is_made_elsewhere:
            return
        if lacks_bindings(analysis, link):
            return  # BLD015's
        name, platform = f"PyInit_{_made(target)}", link.platform.label
        told = state("BLD012.absent", target=target.name, platform=platform, name=name)
        yield self.unknown(
            target.location,
            because(told, analysis.initialising.doubts(link)),
            platform=platform,
            symbol=name,
            related=[Related(asked.location, state("place.imported"))],
        )

    def _finding(self, link: Link, entries: dict[str, Location], imported: Call) -> Finding:
        name, asked = _made(link.target), imported.library.rpartition(".")[2]
        other = asked if asked in entries else next(iter(entries))
        platform = link.platform.label
        return self.finding(
            entries[other],
            state(
                "BLD012.misbuilt" if asked in entries else "BLD012.misnamed",
                symbol=f"PyInit_{other}",
                target=link.target.name,
                platform=platform,
                name=asked if asked in entries else f"PyInit_{name}",
            ),
            platform=platform,
            symbol=f"PyInit_{name}",
            related=[
                Related(link.target.location, state("place.built", name=name)),
                Related(imported.location, state("place.imported")),
            ],
        )


def _made(target: Target) -> str:
    """Return the name that a module can be imported by, without its package."""
    return target.output or target.name.rpartition(".")[2]


def _is_of(project: Project, call: Call, link: Link) -> bool:
    """Return whether an import is of the module that a build makes, in the same package.

    CMake's targets have no package: where they are installed is not read.
    """
    asked, made = call.library, link.target.output or link.target.name
    if "." in made or "." not in asked or link.description.endswith(".py"):
        return asked == made or ("." in made and asked.endswith(f".{made}"))
    package = asked.rpartition(".")[0].replace(".", "/")
    folders = {f"/{path}".rpartition("/")[0] for path in project.tree.python}
    return any(folder.endswith(f"/{package}") for folder in folders)


def _defining_macros(project: Project) -> tuple[str, ...]:
    """Return the tree's macros that define an init function."""
    return tuple(
        name
        for name, definitions in project.macro_definitions.items()
        if any(each.is_function and "PyInit_" in each.value for each in definitions)
    )


def _entries(
    analysis: Analysis, link: Link, macros: tuple[str, ...]
) -> Iterator[tuple[str, Location]]:
    """Yield the names for which a target's sources define an init function, and where."""
    values = {macro.name: macro.value for macro in link.target.macros if macro.value}
    values.setdefault(_SET_BY_THE_BUILD, _made(link.target))
    for compiled in link.compiled:
        if not compiled.is_listed:
            continue
        written = [(each.module, each.location) for each in compiled.file.init_functions]
        written += [
            (use.arguments[0], use.location)
            for use in compiled.file.macro_uses
            if use.name in macros and use.arguments
        ]
        for name, location in written:
            if name in values:
                yield values[name], location
            else:
                visible = (
                    compiled.file.path,
                    *analysis.linker.closure(compiled.file.path, compiled.unit),
                )
                for value in _values(analysis.project, compiled, frozenset(visible), name):
                    yield value, location


def _values(
    project: Project, compiled: Compiled, visible: frozenset[str], name: str, depth: int = 0
) -> Iterator[str]:
    """Yield what a name may stand for in a source: itself, if the source has no macro for it."""
    definitions = [
        each
        for each in project.macro_definitions.get(name, ())
        if each.location.path in visible and compiled.truth(each.condition) is not Truth.FALSE
    ]
    if not definitions or depth > _MOST_DEPTH:
        yield name
    for each in definitions:
        yield from _values(project, compiled, visible, each.value.strip(), depth + 1)


def _are_literal(project: Project, entries: dict[str, Location]) -> bool:
    """Return whether no name is a macro: of the tree, or of a header that was not read."""
    return not any(
        name in project.macro_definitions or name.isupper() or not name.isidentifier()
        for name in entries
    )
