"""C++, CUDA and HIP files, read in parallel processes where there are many."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from typing import TYPE_CHECKING

from opparity.checker.facts import Location, NativeFile, Problem
from opparity.checker.readers.functions import collect
from opparity.checker.readers.preprocessor import read_directives
from opparity.checker.readers.registrations import read_blocks, read_tvm_exports
from opparity.checker.readers.syntax import parse
from opparity.checker.readers.text_scan import (
    called_names,
    guessed_definitions,
    lane_masks,
    line_finder,
    without_comments,
)
from opparity.checker.tree import FileNotReadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.checker.tree import Tree

# Below this many bytes a second process costs more than it saves (its start: about 0.15 s).
_WORTH_A_POOL = 400_000
_WORKERS = 2
# A parse of one file this large takes about 0.3 s.
_LARGEST_PARSED = 1_500_000


def read_native_files(
    tree: Tree, meanwhile: Callable[[], None] = lambda: None
) -> dict[str, NativeFile]:
    """Return the facts of every C++, CUDA and HIP file of a tree.

    `meanwhile` is called once, in this process, while others read.
    """
    sizes = {path: tree.size(path) for path in tree.native}
    if sum(sizes.values()) < _WORTH_A_POOL or (os.cpu_count() or 1) < _WORKERS:
        meanwhile()
        return {path: _read_file(tree, path) for path in tree.native}
    largest_first = sorted(tree.native, key=lambda path: (-sizes[path], path))
    batches = [tree.part(largest_first[start::64]) for start in range(64)]
    with ProcessPoolExecutor(max_workers=_WORKERS) as pool:
        results = pool.map(_read_batch, batches)
        meanwhile()
        by_path = {file.path: file for file in chain.from_iterable(results)}
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
    clean = without_comments(text)
    line_of = line_finder(clean)
    definitions = functions.definitions
    if syntax.root_node.has_error:
        definitions.extend(guessed_definitions(path, clean, line_of, condition_at, definitions))
    registrations = read_blocks(functions.bodies, path, condition_at)
    registrations.extend(read_tvm_exports(path, clean, line_of, condition_at))
    return NativeFile(
        path=path,
        declarations=tuple(functions.declarations),
        definitions=tuple(definitions),
        registrations=tuple(registrations),
        called=called_names(clean),
        has_errors=syntax.root_node.has_error,
        macro_tests=tuple(directives.macro_tests),
        macro_definitions=tuple(directives.macro_definitions),
        lane_masks=tuple(lane_masks(path, clean, line_of, condition_at, definitions)),
        includes=tuple(directives.includes),
    )
