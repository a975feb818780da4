"""Functions that a target needs and that no file of the tree defines.

Mostly another library has them. Where the tree itself declares one, beside others that it defines,
or where nothing that is included could declare it, nobody has it.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from opparity.checker.analysis.foreign_names import FOREIGN_NAMESPACES, OF_LIBRARIES
from opparity.checker.analysis.plain_headers import is_plain_header
from opparity.checker.facts.conditions import Truth
from opparity.checker.languages.detection import COMPILED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opparity.checker.analysis.linking import Link, Use
    from opparity.checker.analysis.project import Project
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import Declaration

_MAY_DEFINE = (*COMPILED, ".cuh", ".inc", ".inl")
# `f"{name}_{width}.cu"`: the build names sources that it writes itself.
_WRITES_SOURCES = re.compile(rb"[}%]\w*\.(?:cu|cpp|cc|hip)[\"']")
# `"-lname"`, and `libraries=["name"]`.
_LINKED = re.compile(r"[\"']-l(?!ineinfo):?([\w.]+)")
_LISTED = re.compile(r"\blibraries\s*\+?=\s*\[([^\]]*)\]")
_QUOTED = re.compile(r"[\"']([\w.-]+)[\"']")
# Exactly those: `custom_kernels` and `hip_ops` are somebody's own.
LIBRARY_OF_TOOLKITS = re.compile(
    r"^(?:lib)?(?:cuda(?:rt|devrt)?(?:_static)?|cu(?:blas|dnn|fft|file|rand|solver|sparse|pti|tensor)\w*"
    r"|nv(?:rtc|jitlink|ptx|tools|tx|infer|jpeg|idia|ml|shmem|comp)\w*|nccl|rccl"
    r"|hip(?:rtc|blas|fft|rand|solver|sparse)\w*|roc(?:blas|fft|rand|solver|sparse|tx|tracer|profiler|m_smi)\w*"
    r"|amd(?:hip|_comgr|_smi)\w*|c10\w*|torch\w*|stdc\+*|m|pthread|g?omp\w*"
    r"|dl|rt|z|gcc\w*|mkl\w*|cblas|openblas|python\w*|numa|ibverbs|aio|sycl\w*|dnnl|tbb|musart)(?:\.\w+)*$"
)


def is_lost(
    analysis: Analysis, link: Link, symbol: str, use: Use, *, is_declared: bool = False
) -> bool:
    """Return whether nobody can have a function that the tree defines nowhere.

    With `is_declared`, only where a prototype of it is seen.
    """
    *qualifier, name = symbol.split("::")
    is_foreign = OF_LIBRARIES.match(name) or (qualifier and qualifier[0] in FOREIGN_NAMESPACES)
    is_sure = use.truth is Truth.TRUE and link.target.built is Truth.TRUE
    if is_foreign or not is_sure or link.is_complete is not Truth.TRUE:
        return False
    if _takes_libraries(analysis.project, link.description, link.target.location.path):
        return False
    if _may_be_written(analysis, link, name) or _lacks_sources(analysis.project, link):
        return False
    if link.target.kind not in {"module", "shared", "jit"} or analysis.pasted.may_make(name):
        return False
    visible = (use.path, *analysis.linker.closure(use.path, use.unit))
    declared = [
        declaration
        for declaration in analysis.project.declarations.get(name, ())
        if not qualifier or declaration.signature.namespace[-len(qualifier) :] == tuple(qualifier)
    ]
    if any(each.is_member for each in declared) or _is_template(analysis.project, name, visible):
        return False
    seen = [each for each in declared if each.location.path in visible]
    if seen or is_declared:
        return any(_is_own(analysis.project, link, each) for each in seen)
    is_own = not qualifier or _is_own_namespace(analysis.project, qualifier[-1])
    return is_own and not any(_strangers(analysis, visible))


def is_template_lost(analysis: Analysis, link: Link, name: str, use: Use) -> bool:
    """Return whether a template that a source declares and calls has a body nowhere in the tree."""
    if not _is_bodiless(analysis, link, name, use):
        return False
    visible = (use.path, *analysis.linker.closure(use.path, use.unit))
    declared = _templates(analysis.project, name, visible)
    folders = {posixpath.dirname(part.file.path) for part in link.compiled if part.is_listed}
    # One of another project in the tree may get its bodies there.
    is_near = any(posixpath.dirname(path) in folders for path in declared)
    return is_near and not _may_be_made(analysis, link, name)


def is_instance_lost(analysis: Analysis, link: Link, name: str, use: Use) -> bool:
    """Return whether a source instantiates a template of the target that has a body nowhere."""
    if not _is_bodiless(analysis, link, name, use):
        return False
    compiled = tuple(part.file.path for part in link.compiled)
    declared = _templates(analysis.project, name, compiled)
    return bool(declared) and not _may_be_made(analysis, link, name)


def _is_bodiless(analysis: Analysis, link: Link, name: str, use: Use) -> bool:
    """Return whether a target surely uses a template of which nothing has the body."""
    is_whole = use.truth is Truth.TRUE and link.target.built is Truth.TRUE
    if not is_whole or link.is_complete is not Truth.TRUE or OF_LIBRARIES.match(name):
        return False
    if link.target.kind not in {"module", "shared", "jit"}:
        return False
    found = (
        each for each in analysis.project.definitions.get(name, ()) if not each.is_instantiation
    )
    # A class of that name has constructors, which are no bodies of the template.
    return all(each.signature.namespace[-1:] == (name,) for each in found)


def _templates(project: Project, name: str, visible: Iterable[str]) -> frozenset[str]:
    """Return the files that declare a template; none for a specialisation of a library's own."""
    declared = {
        path: template.signature
        for path in visible
        for template in project.native[path].templates
        if template.signature.name == name
    }
    is_foreign = any(set(each.namespace) & FOREIGN_NAMESPACES for each in declared.values())
    return frozenset() if is_foreign else frozenset(declared)


def _may_be_made(analysis: Analysis, link: Link, name: str) -> bool:
    """Return whether a library, a macro or the build may have what no file defines."""
    return (
        _takes_libraries(analysis.project, link.description, link.target.location.path)
        or analysis.pasted.may_make(name)
        or _may_be_written(analysis, link, name)
    )


def _takes_libraries(project: Project, *paths: str) -> bool:
    """Return whether a build script links libraries that are no toolkit's and not torch's."""
    for path in paths:
        if not path.endswith(".py") or not project.tree.is_readable(path):
            continue
        text = project.tree.read_text(path)
        named = [
            *_LINKED.findall(text),
            *(n for each in _LISTED.findall(text) for n in _QUOTED.findall(each)),
        ]
        if any(not LIBRARY_OF_TOOLKITS.match(name) for name in named) or "extra_objects" in text:
            return True
    return False


def _may_be_written(analysis: Analysis, link: Link, name: str) -> bool:
    """Return whether a file may define a function that was not read so.

    One that looks so although the grammar lost its way, one that is included and not there, or one
    that the build writes.
    """
    tree = analysis.project.tree
    if analysis.heads.has(name):
        return True
    for part in link.compiled:
        for include in part.file.includes:
            is_source = include.path.endswith(_MAY_DEFINE) or name in include.path
            is_source = is_source and not is_plain_header(include.path)
            if is_source and not analysis.linker.resolves(part.file.path, include.path):
                return True
    folder = posixpath.dirname(link.description)
    return any(
        posixpath.dirname(path) == folder and _writes_sources(tree.read(path))
        for path in tree.python
    )


def _lacks_sources(project: Project, link: Link) -> bool:
    """Return whether a library lists sources that are not there: they may define anything."""
    return any(source.path not in project.tree.files for source in link.target.sources)


def _writes_sources(script: bytes) -> bool:
    return b"write" in script and _WRITES_SOURCES.search(script) is not None


def _is_template(project: Project, name: str, visible: tuple[str, ...]) -> bool:
    return any(
        template.signature.name == name
        for path in visible
        for template in project.native[path].templates
    )


def _is_own(project: Project, link: Link, declaration: Declaration) -> bool:
    """Return whether a file declares what this target's sources define.

    It stands among them, or they define others that it declares in that namespace.
    """
    path, signature = declaration.location.path, declaration.signature
    if path.endswith(COMPILED) or any(
        part.is_listed and posixpath.dirname(part.file.path) == posixpath.dirname(path)
        for part in link.compiled
    ):
        return True
    return any(
        each.signature.name in link.definitions
        for each in project.native[path].declarations
        if each.signature.name != signature.name and each.signature.namespace == signature.namespace
    )


def _is_own_namespace(project: Project, name: str) -> bool:
    return any(
        name in each.signature.namespace
        for definitions in project.definitions.values()
        for each in definitions
    )


def _strangers(analysis: Analysis, visible: tuple[str, ...]) -> Iterator[str]:
    """Yield the included files that are neither the tree's nor torch's nor a toolkit's."""
    for path in visible:
        for include in analysis.project.native[path].includes:
            is_known = is_plain_header(include.path)
            if not is_known and not analysis.linker.resolves(path, include.path):
                yield include.path
