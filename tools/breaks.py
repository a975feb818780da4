"""Breaks of real trees: each makes one mistake of a kind that people make, and says what it broke.

A kind is a function from a tree's text and a source of chance to a break, or to None where the tree
has nothing of the kind. A break that cannot hurt says why (`harmless`).
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

import harmless
from breaks_of_names import misspelt_macro, misspelt_name, without_guard
from broken_text import (
    BLOCK,
    COMPILED,
    Break,
    Text,
    changed,
    closing,
    defined_in,
    definition_of,
)
from opparity.checker.tree.contents import Tree

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

_FAKE = re.compile(
    r"^(?P<indent>[ \t]*)@[\w.]*(?:register_fake|impl_abstract|register_meta|_fake)\("
    r"\s*f?[\"']?(?P<name>[\w:.{}]+)[\"']?[^\n]*\n",
    re.MULTILINE,
)
# Of a function's name: `m`, `h` are variables.
_SHORTEST = 3
# So many functions are tried.
_MOST_TRIED = 40
_EVEN = 0.5


def without_source(text: Text, draw: random.Random) -> Break | None:
    """Remove a source from a list of a build description."""
    stems: dict[str, list[str]] = {}
    for path in text.native:
        stems.setdefault(PurePath(path).name, []).append(path)
    entries = [
        (build, found, stems[PurePath(found[2]).name])
        for build, content in text.builds.items()
        for found in re.finditer(
            rf"(['\"]?)([\w./${{}}-]+\.{COMPILED})\1(?![\w.])[ \t]*(,?)", content
        )
        if PurePath(found[2]).name in stems and not _is_comment(content, found.start())
    ]
    if not entries:
        return None
    build, found, paths = draw.choice(entries)
    content = text.builds[build]
    new = content[: found.start()] + content[found.end() :]
    named = [name for path in paths for name in defined_in(text.native[path])]
    elsewhere = "\n".join(each for path, each in text.native.items() if path not in paths)
    needed = any(BLOCK.search(text.native[path]) for path in paths) or any(
        re.search(rf"\b{name}\b", elsewhere) for name in named
    )
    again = len(re.findall(rf"(?<![\w/]){re.escape(found[2])}(?![\w.])", new))
    why = "" if needed else "nothing else uses a function of the file"
    if again:
        why = why or f"the same file is listed {again} times more"
    return Break(
        "source",
        f"{build}:{content.count(chr(10), 0, found.start()) + 1} no longer lists {found[2]}",
        changed(text, build, new),
        (PurePath(found[2]).name, *named),
        why,
    )


def _is_comment(content: str, place: int) -> bool:
    line = content[content.rfind("\n", 0, place) + 1 : place]
    return "#" in line or "//" in line


def without_registration(text: Text, draw: random.Random) -> Break | None:
    """Remove a `def` or an `impl` statement."""
    if not text.registered:
        return None
    each = draw.choice(text.registered)
    content = text.native[each.path]
    used = each.operator in text.used
    why = "" if used else "no Python of the tree uses the operator"
    why = why or harmless.unused_in_python(text, each.operator)
    before = content[: each.start]
    is_meta = "Meta" in before[before.rfind("TORCH_LIBRARY") :].partition(")")[0] or (
        "kMeta" in content[each.start : each.end]
    )
    if is_meta:
        why = why or harmless.needs_no_fake(text, each.operator)
    return Break(
        "registration",
        f"{each.path}: no {each.method} of {each.operator} ({each.symbol}) any more",
        changed(text, each.path, content[: each.start] + content[each.end :]),
        (each.operator, each.symbol.rpartition("::")[2] or each.operator),
        why
        or harmless.registered_beside(text, each)
        or harmless.bound_for_the_dispatcher(text, each)
        or harmless.defined_with_a_function(text, each),
    )


def without_definition(text: Text, draw: random.Random) -> Break | None:
    """Remove the body of a function that a registration binds, or that another file uses."""
    bound = [(each.symbol.rpartition("::")[2], each.operator) for each in text.registered]
    names = [(name, operator) for name, operator in bound if len(name) >= _SHORTEST]
    if draw.random() < _EVEN or not names:
        sources = [path for path in text.native if re.search(rf"\.{COMPILED}$", path)]
        drawn = draw.sample(sources, min(8, len(sources)))
        names = [(name, name) for path in drawn for name in defined_in(text.native[path])] or names
    draw.shuffle(names)
    for name, operator in names[:_MOST_TRIED]:
        mentioned = [path for path, content in text.native.items() if name in content]
        found = [
            (path, where) for path in mentioned if (where := definition_of(text.native[path], name))
        ]
        if len(found) != 1 or (operator == name and len(mentioned) == 1):
            continue
        path, (start, end) = found[0]
        content = text.native[path]
        others = "".join(text.native[each] for each in mentioned if each != path)
        rest = content[:start] + content[end:]
        prototype = re.compile(
            rf"^[^\n;{{}}()=]*[\w>&*]\s+[&*]*{name}\s*\([^;{{}}]*\)\s*;", re.MULTILINE
        )
        if operator == name and not prototype.search(others):
            continue  # of the file alone: its own compiler says so
        is_used = re.search(rf"\b{name}\b", others + rest)
        left = [*(text.native[each] for each in mentioned if each != path), rest]
        why = harmless.only_declared(left, name) if is_used else "nothing uses the function"
        return Break(
            "definition",
            f"{path}: {name} has no body any more",
            changed(text, path, content[:start] + "\n" + content[end:]),
            (name, operator),
            why or harmless.told_by_its_compiler(content, name, start, end),
        )
    return None


def without_fake(text: Text, draw: random.Random) -> Break | None:
    """Remove a fake: a decorated Python function, or an implementation for Meta."""
    found = [
        (path, each)
        for path, content in text.python.items()
        if "register_fake" in content or "impl_abstract" in content or "register_meta" in content
        for each in _FAKE.finditer(content)
    ]
    if not found:
        return _without_meta(text, draw)
    path, each = draw.choice(found)
    content = text.python[path]
    indent = each["indent"]
    rest = content[each.end() :]
    stop = re.search(
        rf"^(?!{indent}[ \t)]|[ \t]*$|{indent}def |{indent}async |{indent}@)", rest, re.MULTILINE
    )
    length = stop.start() if stop else len(rest)
    name = each["name"].rpartition("::")[2].rpartition(".")[2]
    new = content[: each.start()] + f"{indent}pass\n" + rest[length:]
    why = harmless.needs_no_fake(text, name) or harmless.has_a_fake_in_torch(each["name"])
    return Break(
        "fake",
        f"{path}: no fake of {each['name']} any more",
        changed(text, path, new),
        (name,),
        why or harmless.does_not_parse(content, new),
    )


def _without_meta(text: Text, draw: random.Random) -> Break | None:
    found = []
    for path, content in text.native.items():
        for block in re.finditer(
            r"TORCH_LIBRARY_IMPL\(\s*\w+\s*,\s*Meta\s*,\s*\w+\s*\)\s*\{", content
        ):
            end = closing(content, block.end() - 1, "{}")
            found += [
                (path, each)
                for each in text.registered
                if each.path == path and block.end() <= each.start < end
            ]
    if not found:
        return None
    path, each = draw.choice(found)
    content = text.native[path]
    return Break(
        "fake",
        f"{path}: no Meta implementation of {each.operator} any more",
        changed(text, path, content[: each.start] + content[each.end :]),
        (each.operator,),
    )


def other_schema(text: Text, draw: random.Random) -> Break | None:
    """Add or remove an argument of a schema; without schemas, of a bound function's definition."""
    schemas = [each for each in text.registered if "(" in each.schema and each.method == "def"]
    if not schemas:
        return _other_signature(text, draw)
    each = draw.choice(schemas)
    content = text.native[each.path]
    statement = content[each.start : each.end]
    arrow = statement.rfind("->")
    close = statement.rfind(")", 0, arrow)
    comma = statement.rfind(",", 0, close)
    if draw.random() < _EVEN and comma > statement.find("("):
        new = statement[:comma] + '"' * (statement[comma:close].count('"') % 2) + statement[close:]
        done = "an argument less"
    else:
        is_empty = statement[:close].rstrip().endswith("(")
        new = statement[:close] + ("int extra" if is_empty else ", int extra") + statement[close:]
        done = "an argument more"
    return Break(
        "schema",
        f"{each.path}: {each.operator} has {done} in its schema",
        changed(text, each.path, content[: each.start] + new + content[each.end :]),
        (each.operator, each.symbol.rpartition("::")[2] or each.operator),
    )


def _other_signature(text: Text, draw: random.Random) -> Break | None:
    bound = [each for each in text.registered if len(each.symbol) > _SHORTEST]
    draw.shuffle(bound)
    for each in bound[:_MOST_TRIED]:
        name = each.symbol.rpartition("::")[2]
        found = [
            (path, where)
            for path, content in text.native.items()
            if path != each.path and name in content and (where := definition_of(content, name))
        ]
        if len(found) == 1:
            path, (start, end) = found[0]
            content = text.native[path]
            if "__global__" in content[start : content.index(name, start)]:
                continue  # a kernel of that name, which its own compiler checks
            place = closing(content, content.index("(", content.index(name, start)))
            is_empty = not content[
                content.index("(", content.index(name, start)) + 1 : place - 1
            ].strip()
            new = (
                content[: place - 1]
                + ("int extra" if is_empty else ", int extra")
                + content[place - 1 :]
            )
            return Break(
                "schema",
                f"{path}: {name} has an argument more where it is defined",
                changed(text, path, new),
                (name, each.operator),
                harmless.told_by_its_compiler(content, name, start, end),
            )
    return None


KINDS: dict[str, Callable[[Text, random.Random], Break | None]] = {
    "source": without_source,
    "registration": without_registration,
    "definition": without_definition,
    "fake": without_fake,
    "guard": without_guard,
    "macro": misspelt_macro,
    "name": misspelt_name,
    "schema": other_schema,
}


def broken(tree: Tree, found: Break) -> Tree:
    """Return a tree with a break in it."""
    return Tree(tree.name, {**tree.places, **found.places}, tree.problems, tree.limits)
