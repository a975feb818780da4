"""C++, CUDA and HIP files, read in parallel processes where there are many."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from typing import TYPE_CHECKING

from opparity.checker.facts import LaneMask, Location, NativeFile, Problem, Reference
from opparity.checker.readers.functions import collect
from opparity.checker.readers.preprocessor import read_directives
from opparity.checker.readers.registrations import read_blocks, read_tvm_exports
from opparity.checker.readers.syntax import parse
from opparity.checker.tree import FileNotReadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opparity.checker.conditions import Condition
    from opparity.checker.facts import Definition
    from opparity.checker.tree import Tree

_LANE_MASK = re.compile(
    r"\b(__(?:shfl(?:_up|_down|_xor)?|ballot|any|all|match_any|match_all)_sync)\s*\(\s*"
    r"(0[xX][fF]{8}[uUlL]*)\s*,"
)
_COMMENT_OR_STRING = re.compile(
    r"//[^\n]*|/\*.*?(?:\*/|\Z)|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.){1,4}'", re.DOTALL
)
# A name that is called, called with template arguments, or whose address is taken.
_CALLED = re.compile(r"(?<![\w.>])(?:[A-Za-z_]\w*\s*::\s*)*([A-Za-z_]\w*)\s*(?=[(<])")
_ADDRESSED = re.compile(r"&\s*(?:[A-Za-z_]\w*\s*::\s*)*([A-Za-z_]\w*)")
_NEVER_FUNCTIONS = frozenset(
    [
        "if",
        "for",
        "while",
        "switch",
        "return",
        "sizeof",
        "decltype",
        "alignas",
        "alignof",
        "static_assert",
        "defined",
        "catch",
        "throw",
        "int",
        "float",
        "double",
        "bool",
        "char",
        "void",
        "long",
        "short",
        "unsigned",
        "signed",
        "auto",
        "const",
        "template",
        "typename",
        "static_cast",
        "reinterpret_cast",
        "const_cast",
        "dynamic_cast",
        "constexpr",
        "noexcept",
        "operator",
        "new",
        "delete",
        "dim3",
        "min",
        "max",
        "__launch_bounds__",
        "__attribute__",
        "TORCH_CHECK",
        "STD_TORCH_CHECK",
    ]
)
# Below this many bytes a second process costs more than it saves (its start: about 0.15 s).
_WORTH_A_POOL = 400_000
_WORKERS = 2
# A parse of one file this large takes about 0.3 s.
_LARGEST_PARSED = 1_500_000


def read_native_files(tree: Tree) -> dict[str, NativeFile]:
    """Return the facts of every C++, CUDA and HIP file of a tree."""
    sizes = {path: tree.size(path) for path in tree.native}
    if sum(sizes.values()) < _WORTH_A_POOL or (os.cpu_count() or 1) < _WORKERS:
        return {path: _read_file(tree, path) for path in tree.native}
    largest_first = sorted(tree.native, key=lambda path: (-sizes[path], path))
    batches = [tree.part(largest_first[start::64]) for start in range(64)]
    with ProcessPoolExecutor(max_workers=_WORKERS) as pool:
        by_path = {file.path: file for file in chain.from_iterable(pool.map(_read_batch, batches))}
    return {path: by_path[path] for path in tree.native}


def _read_batch(tree: Tree) -> list[NativeFile]:
    return [_read_file(tree, path) for path in tree.native]


def _read_file(tree: Tree, path: str) -> NativeFile:
    try:
        content = tree.read(path)
    except FileNotReadable as error:
        return NativeFile(path=path, problems=(Problem(Location(path, 1), error.detail),))
    if len(content) > _LARGEST_PARSED:
        megabytes = len(content) / 1e6
        problem = Problem(Location(path, 1), f"{megabytes:.1f} MB of source; not read")
        return NativeFile(path=path, problems=(problem,))
    return read_native_text(path, content.decode("utf-8", errors="replace"))


def read_native_text(path: str, text: str) -> NativeFile:
    """Return the facts of one file's text."""
    directives = read_directives(path, text)
    condition_at = directives.condition_at
    syntax = parse(text.encode())
    functions = collect(syntax.root_node, path, condition_at)
    clean = _COMMENT_OR_STRING.sub(_blank, text)
    line_of = _line_finder(clean)
    registrations = read_blocks(functions.bodies, path, condition_at)
    registrations.extend(read_tvm_exports(path, clean, line_of, condition_at))
    return NativeFile(
        path=path,
        declarations=tuple(functions.declarations),
        definitions=tuple(functions.definitions),
        registrations=tuple(registrations),
        references=tuple(_references(path, clean, line_of, condition_at, functions.definitions)),
        macro_tests=tuple(directives.macro_tests),
        macro_definitions=tuple(directives.macro_definitions),
        lane_masks=tuple(_lane_masks(path, clean, line_of, condition_at)),
        includes=tuple(directives.includes),
    )


def _blank(found: re.Match[str]) -> str:
    """Return as many lines as the match has, empty."""
    return "\n" * found.group().count("\n") or " "


def _line_finder(text: str) -> Callable[[int], int]:
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    return lambda offset: bisect_right(starts, offset)


def _lane_masks(
    path: str, clean: str, line_of: Callable[[int], int], condition_at: Callable[[int], Condition]
) -> Iterator[LaneMask]:
    for found in _LANE_MASK.finditer(clean):
        line = line_of(found.start())
        if not _is_in_directive(clean, found.start()):
            yield LaneMask(found.group(1), found.group(2), Location(path, line), condition_at(line))


def _is_in_directive(text: str, offset: int) -> bool:
    """Return whether a place is in a `#define` or another directive, continued lines included."""
    start = text.rfind("\n", 0, offset) + 1
    while start > 1 and text[start - 2] == "\\":
        start = text.rfind("\n", 0, start - 1) + 1
    return text[start:offset].lstrip().startswith("#")


def _references(
    path: str,
    clean: str,
    line_of: Callable[[int], int],
    condition_at: Callable[[int], Condition],
    definitions: list[Definition],
) -> Iterator[Reference]:
    """Yield each name that is called or whose address is taken, once per condition."""
    spans = sorted(
        (definition.location.line, definition.end_line, definition)
        for definition in definitions
        if definition.end_line
    )
    starts = [span[0] for span in spans]
    seen: set[tuple[str, Condition, bool]] = set()
    for pattern in (_CALLED, _ADDRESSED):
        for found in pattern.finditer(clean):
            name = found.group(1)
            if name in _NEVER_FUNCTIONS or name.isupper():
                continue
            line = line_of(found.start(1))
            index = bisect_right(starts, line) - 1
            around = spans[index][2] if index >= 0 and line <= spans[index][1] else None
            if around is not None and around.signature.name == name:
                continue
            is_in_template = around is None or around.is_template
            key = (name, condition_at(line), is_in_template)
            if key not in seen:
                seen.add(key)
                yield Reference(
                    name,
                    Location(path, line),
                    key[1],
                    inside=around.signature.qualified if around else "",
                    is_in_template=is_in_template,
                )
