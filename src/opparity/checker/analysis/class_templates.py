"""Class templates whose members have their bodies in a source, and the objects that others make.

Which objects a file makes is read of the few files that see such a template.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.checker.analysis.types import canonical
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.places import Location
from opparity.checker.languages.cpp.parameters import split_arguments
from opparity.checker.languages.cpp.text_scan import without_comments
from opparity.checker.languages.detection import COMPILED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Compiled, Link
    from opparity.checker.analysis.project import Project
    from opparity.checker.facts.native import ClassInstance, Definition

# An object is made: `Scaler<float> scaler(2);`, `new Scaler<float>(2)`,
# `make_unique<Scaler<float>>(2)`.
_MADE = r"(?<!class )(?<!struct )\b{name}\s*<([^<>;{{}}()]*)>\s*(?:\w+\s*[({{;]|[({{]|>\s*\()"
# A type of the language, or of torch and the toolkits; a number; a truth value.
IS_PLAIN = re.compile(
    r"^(?:true|false|\d+|(?:unsigned )?(?:bool|char|short|int|long|long long|float|double|size_t)"
    r"|u?int(?:8|16|32|64)_t|half2?|__half2?|nv_bfloat16|__nv_bfloat16"
    r"|(?:c10|at|torch)::(?:Half|BFloat16|Float8_\w+))$"
)


@dataclass(frozen=True, slots=True)
class Made:
    """An object of a class template that a function makes, for arguments that say themselves."""

    name: str
    arguments: tuple[str, ...]
    inside: str
    location: Location


def absent_instances(project: Project, link: Link) -> Iterator[tuple[Made, list[ClassInstance]]]:
    """Yield the objects whose constructors nobody instantiates, with the instances that there are.

    Those of a class template whose constructor has its body in a source of the library alone, which
    instantiates the class explicitly, for plain arguments, and makes no objects of it itself.
    """
    for name, (home, instances) in sorted(_held(link).items()):
        if _uses_otherwise(project, home, name):
            continue
        present = {tuple(map(canonical, each.arguments)) for each in instances}
        for compiled in link.compiled:
            if compiled.file.path == home.file.path:
                continue
            for made in _made(project, compiled, name):
                given = tuple(map(canonical, made.arguments))
                if given not in present and {len(each) for each in present} == {len(given)}:
                    yield made, instances


def _held(link: Link) -> dict[str, tuple[Compiled, list[ClassInstance]]]:
    """Return class template -> the source with its constructor, and its explicit instances."""
    instances: dict[str, list[ClassInstance]] = {}
    for part in link.compiled:
        for each in part.file.class_instances:
            if part.truth(each.condition) is not Truth.FALSE:
                instances.setdefault(each.name, []).append(each)
    found: dict[str, tuple[Compiled, list[ClassInstance]]] = {}
    for name, every in instances.items():
        bodies = link.definitions.get(name, ())
        makers = [part for each, part in bodies if each.signature.namespace[-1:] == (name,)]
        paths = {part.file.path for part in makers}
        is_held = len(paths) == 1 and all(path.endswith(COMPILED) for path in paths)
        is_plain = all(IS_PLAIN.match(word) for each in every for word in each.arguments)
        if is_held and is_plain and all(each.is_template for each, _ in bodies):
            found[name] = (makers[0], every)
    return found


def _uses_otherwise(project: Project, home: Compiled, name: str) -> bool:
    """Return whether a source has a class for more than its members and instances: it may make any.

    `Scaler<T>::scale` and `template class Scaler<float>` are no more.
    """
    text = without_comments(project.tree.read_text(home.file.path))
    used = rf"(?<!class )(?<!struct )\b{re.escape(name)}\s*<[^<>;{{}}()]*>(?!\s*::)"
    return re.search(used, text) is not None


def _made(project: Project, compiled: Compiled, name: str) -> Iterator[Made]:
    path = compiled.file.path
    if name.encode() not in project.tree.read(path):
        return
    text = without_comments(project.tree.read_text(path))
    for found in re.finditer(_MADE.format(name=re.escape(name)), text):
        arguments = split_arguments(found[1])
        line = text.count("\n", 0, found.start()) + 1
        around = _surely_around(compiled, text, line)
        if around is not None and all(IS_PLAIN.match(each) for each in arguments):
            place = Location(path, line)
            yield Made(name, arguments, around.signature.qualified, place)


def _surely_around(compiled: Compiled, text: str, line: int) -> Definition | None:
    """Return the function around a line that is surely compiled; None where it may not be."""
    for each in compiled.file.definitions:
        if each.location.line <= line <= each.end_line:
            lines = text.split("\n")[each.location.line - 1 : line]
            is_open = any(before.lstrip().startswith("#") for before in lines)
            is_sure = compiled.truth(each.condition) is Truth.TRUE
            return each if is_sure and not (is_open or each.is_template) else None
    return None
