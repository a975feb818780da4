"""Functions that are called on an object of their class, or passed as an argument.

Every method call and every argument of every file would be a fact for each that matters: so only
the names that a target lacks are looked for, and that in the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.facts.native import Reference
from opparity.checker.facts.places import Location
from opparity.checker.languages.cpp.preprocessor import read_directives
from opparity.checker.languages.cpp.text_scan import (
    enclosing_finder,
    in_directive,
    line_finder,
    without_comments,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Compiled, Linker
    from opparity.checker.analysis.project import Project
    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.native import Declaration


def other_uses(
    project: Project, linker: Linker, compiled: Compiled, names: frozenset[str]
) -> Iterator[Reference]:
    """Yield those uses of some names in a file, once per condition and enclosing function."""
    declared: dict[str, list[Declaration]] = {}
    visible = (compiled.file.path, *linker.closure(compiled.file.path, compiled.unit))
    for path in visible if names else ():
        for declaration in project.native[path].declarations:
            if declaration.signature.name in names:
                declared.setdefault(declaration.signature.name, []).append(declaration)
    if not declared:
        return
    text = project.tree.read_text(compiled.file.path)
    clean = without_comments(text)
    expressions = [
        expression
        for name, prototypes in declared.items()
        if (expression := _expression(compiled, clean, name, prototypes))
    ]
    if expressions:
        yield from _references(compiled, text, clean, re.compile("|".join(expressions)))


def _expression(compiled: Compiled, clean: str, name: str, prototypes: list[Declaration]) -> str:
    """Return what such a use of a name looks like; "" where it has none that is certain."""
    written = re.escape(name)
    if all(each.is_member for each in prototypes):
        classes = {each.signature.namespace for each in prototypes}
        is_called = name in compiled.file.methods and len(classes) == 1
        is_known = is_called and next(iter(classes))[-1] in clean
        return rf"(?:\.|->)\s*({written})\s*(?=\()" if is_known else ""
    if name not in clean or _is_variable(clean, written):
        return ""
    return rf"(?<=[(,])\s*(?:\w+\s*::\s*)*({written})\s*(?=[,)])"


def _is_variable(clean: str, written: str) -> bool:
    """Return whether a text declares a variable or a parameter of a name."""
    return bool(re.search(rf"[\w>&*]\s+[&*]*{written}\s*[=;,)\[{{:]", clean))


def _references(
    compiled: Compiled, text: str, clean: str, expression: re.Pattern[str]
) -> Iterator[Reference]:
    path = compiled.file.path
    condition_at = read_directives(path, text).condition_at
    line_of = line_finder(clean)
    enclosing = enclosing_finder(compiled.file.definitions)
    seen: set[tuple[str, Condition, str]] = set()
    for found in expression.finditer(clean):
        name = next(filter(None, found.groups()))
        line = line_of(found.start())
        around = enclosing(line)
        if around is None or around.signature.name == name:
            continue
        key = (name, condition_at(line), around.signature.qualified)
        if key not in seen and not in_directive(clean, found.start()):
            seen.add(key)
            yield Reference(
                name,
                Location(path, line),
                key[1],
                inside=around.signature.qualified,
                is_in_template=around.is_template,
                is_in_inline=around.is_inline,
            )
