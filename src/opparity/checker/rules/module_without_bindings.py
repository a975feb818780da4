"""BLD015."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from opparity.checker.analysis.guards import handles_absence
from opparity.checker.analysis.operators import Process
from opparity.checker.analysis.twins import are_twins
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.places import Location, Related
from opparity.checker.facts.python import CallKind
from opparity.checker.languages.detection import NOT_SHIPPED
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Link
    from opparity.checker.analysis.project import Project
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import NativeFile
    from opparity.checker.facts.python import Call

_BLOCK = "PYBIND11_MODULE"
_EMPTY = re.compile(r"\s*PYBIND11_MODULE\s*\([^)]*\)\s*\{\s*\}")
# What a macro that makes a block, or an init function, has in its body.
_REGISTERS = re.compile(
    r"LIBRARY|MODULE|REGIST|EXPORT|PyInit|PyMODINIT|Library|GlobalDef|\.\s*(?:def|impl)\s*\("
)
_MOST_PLACES = 3


class ModuleWithoutBindings(Rule):
    """The sources of an extension bind nothing; its bindings are in no list.

    ## Why is this bad?
    The library has no init function: the import fails with `ImportError`, and every function of the
    extension is lost.
    A `PYBIND11_MODULE` without a statement, beside functions that wait to be bound, is a warning.

    ## Example
    `sources = glob("csrc/kernels/*.cu")` with `PYBIND11_MODULE` in `csrc/ext.cpp`.

    ## Use instead
    Add the source with the bindings to the list, or the bindings to the block.

    ## Before and after
    Before, in `CMakeLists.txt`:

    ```cmake
    file(GLOB KERNELS src/kernels/*.cpp)
    pybind11_add_module(_core ${KERNELS})
    ```

    After:

    ```cmake
    file(GLOB KERNELS src/kernels/*.cpp)
    pybind11_add_module(_core ${KERNELS} src/module.cpp)
    ```
    """

    code = "BLD015"
    name = "module-without-bindings"
    severity = Severity.ERROR
    effect = Effect.IMPORT

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each such extension of each platform that imports it, then the empty blocks."""
        yield from self._empty(analysis)
        left = _left(analysis)
        imports: dict[str, list[Call]] = {}
        for file in analysis.project.python.values():
            for call in file.calls:
                if call.kind is CallKind.IMPORT and not handles_absence(call):
                    imports.setdefault(call.library.rpartition(".")[2], []).append(call)
        for platform in analysis.project.platforms:
            process = Process(platform, analysis.operators)
            links = list(analysis.linker.links_on(platform))
            for link in links:
                own = [
                    call
                    for call in imports.get(link.target.name.rpartition(".")[2], ())
                    if process.truth_of(call.guards) is not Truth.FALSE
                ]
                if not _binds_nothing(analysis.project, link):
                    continue
                left_near = _left_near(analysis, link, links)
                if link.target.kind == "jit":
                    # Elsewhere may be what another loader is given.
                    left_near = [path for path in left_near if _lies_beside(link, path)]
                    if left_near:
                        yield self._finding(link, own, left_near)
                elif left_near or (own and left):
                    yield self._finding(link, own, left_near or left)

    def _empty(self, analysis: Analysis) -> Iterator[Finding]:
        """Yield the blocks of bindings without any, whose files have functions to be bound."""
        native = analysis.project.native
        links = [
            link
            for platform in analysis.project.platforms
            for link in analysis.linker.links_on(platform)
        ]
        for path, file in native.items():
            block = next((d for d in file.definitions if d.signature.name == _BLOCK), None)
            if block is None or NOT_SHIPPED.search(path) or not _is_silent(analysis.project, file):
                continue
            text = analysis.project.tree.read_text(path).split("\n")
            lines = text[block.location.line - 1 : block.end_line]
            around = [link for link in links if any(p.file.path == path for p in link.compiled)]
            if not _EMPTY.match("\n".join(lines)) or not all(
                _is_silent(analysis.project, part.file) for link in around for part in link.compiled
            ):
                continue
            shown = (
                *(each.signature for each in file.declarations),
                *(each.signature for each in file.definitions),
            )
            waiting = [each.name for each in shown if each.name != _BLOCK and not each.namespace]
            waiting = waiting or self._declared_around(analysis, path, around)
            if waiting:
                yield self.finding(
                    block.location,
                    state("BLD015.empty", functions=tuple(dict.fromkeys(waiting))),
                    symbol=waiting[0],
                    severity=Severity.WARNING,
                    effect=Effect.CALL,
                )

    def _declared_around(self, analysis: Analysis, path: str, around: list[Link]) -> list[str]:
        """Return the functions of a file's libraries that the headers beside it declare."""
        folder = posixpath.dirname(path)
        return [
            each.signature.name
            for header, file in analysis.project.native.items()
            if posixpath.dirname(header) == folder
            for each in file.declarations
            if not each.is_member and any(each.signature.name in o.definitions for o in around)
        ]

    def _finding(self, link: Link, imports: list[Call], left: list[str]) -> Finding:
        places = [Location(path, 1) for path in left[:_MOST_PLACES]]
        return self.finding(
            link.target.location,
            state(
                "BLD015.unbound",
                target=link.target.name,
                platform=link.platform.label,
                sources=tuple(left),
            ),
            platform=link.platform.label,
            symbol=link.target.name.rpartition(".")[2],
            related=[
                *(Related(call.location, state("place.imported")) for call in imports[:1]),
                *(Related(place, state("place.registers")) for place in places),
            ],
        )


def lacks_bindings(analysis: Analysis, link: Link) -> bool:
    """Return whether a module binds nothing, and files that no list has bind something."""
    if not _binds_nothing(analysis.project, link):
        return False
    links = list(analysis.linker.links_on(link.platform))
    return bool(_left(analysis) or _left_near(analysis, link, links))


def _left(analysis: Analysis) -> list[str]:
    """Return the files with bindings that no list has."""
    binding = analysis.basis.binding_files
    return [path for path in analysis.basis.unlisted if path in binding]


def _left_near(analysis: Analysis, link: Link, links: list[Link]) -> list[str]:
    """Return the files beside a library's sources that bind something and are built nowhere else.

    A loader has them at most, or another description of the same library.
    """
    is_loaded = link.target.kind == "jit"
    built = {
        part.file.path
        for other in links
        if (is_loaded or other.target.kind != "jit") and not are_twins(link, other)
        for part in other.compiled
    }
    return [
        path for path in analysis.basis.binding_files if path not in built and _is_near(link, path)
    ]


def _is_near(link: Link, path: str) -> bool:
    """Return whether a file lies where a target's sources do, or above them."""
    folder = posixpath.dirname(path)
    return any(
        part.file.path.startswith(f"{folder}/") if folder else True
        for part in link.compiled
        if part.is_listed
    )


def _lies_beside(link: Link, path: str) -> bool:
    """Return whether a file lies in the folder of the script that compiles a target, or below."""
    folder = posixpath.dirname(link.description)
    return not folder or path.startswith(f"{folder}/")


def _binds_nothing(project: Project, link: Link) -> bool:
    """Return whether a module is complete, and none of its sources registers anything.

    Cython makes the bindings of a `.pyx` itself, and of a source that was not read nobody knows.
    """
    target = link.target
    is_whole = target.kind in {"module", "jit"} and link.is_complete is Truth.TRUE
    is_read = all(source.path in project.native for source in target.sources)
    if not (is_whole and is_read and target.built is Truth.TRUE):
        return False
    return not any(
        not _is_silent(project, part.file)
        or part.file.init_functions
        or any(each.signature.name.startswith("PyInit") for each in part.file.definitions)
        for part in link.compiled
    )


def _is_silent(project: Project, file: NativeFile) -> bool:
    """Return whether a file registers nothing, and uses no macro that may."""
    return not (
        file.registrations
        or file.unfollowed
        or any(each.variable or _may_register(project, each.name) for each in file.macro_uses)
    )


def _may_register(project: Project, macro: str) -> bool:
    """Return whether a macro outside of blocks may make one: the tree's own say what they do."""
    if macro == _BLOCK:
        return False  # what it binds is read, and this one binds nothing
    own = project.macro_definitions.get(macro, ())
    return not own or any(_REGISTERS.search(each.value) for each in own)
