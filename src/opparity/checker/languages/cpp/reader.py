"""C++, CUDA and HIP files, each read on its own."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from opparity.checker import bounds
from opparity.checker.facts.native import NativeFile
from opparity.checker.facts.places import Location, problem
from opparity.checker.languages.cpp.aliased_blocks import aliased_blocks
from opparity.checker.languages.cpp.bodies import without_idle_bodies
from opparity.checker.languages.cpp.boxed_functions import boxed_functions
from opparity.checker.languages.cpp.branches import variants
from opparity.checker.languages.cpp.calls import read_calls
from opparity.checker.languages.cpp.function_tables import TableReader
from opparity.checker.languages.cpp.functions import collect, joined
from opparity.checker.languages.cpp.macro_expansion import expanded_blocks, registering_macros
from opparity.checker.languages.cpp.operator_chains import read_operator_chains
from opparity.checker.languages.cpp.preprocessor import read_directives
from opparity.checker.languages.cpp.registration_macros import (
    fragment,
    macro_bodies,
    macro_uses,
    macros_outside,
)
from opparity.checker.languages.cpp.registrations import read_blocks, registration_blocks
from opparity.checker.languages.cpp.syntax import parse, text_of
from opparity.checker.languages.cpp.text_scan import (
    constants,
    guessed_definitions,
    init_functions,
    lane_masks,
    line_finder,
    opened_namespaces,
    with_literals,
    without_comments,
)
from opparity.checker.languages.cpp.tvm_exports import read_tvm_exports
from opparity.checker.languages.workers import costly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.native import MacroUse, Reference, Registration
    from opparity.checker.languages.cpp.blocks import Registered
    from opparity.checker.languages.cpp.registrations import Opened
    from opparity.checker.languages.workers import Workers
    from opparity.checker.tree.contents import Tree

# Below this many bytes other processes cost more than they save (their start: about 0.05 s).
_WORTH_A_POOL = 400_000
# A parse of one file this large takes about 0.3 s.
_LARGEST_PARSED = 1_500_000
_TEXT = re.compile(r"\"(?:\w+::)?([A-Za-z_]\w*)")
_COMPILED = (".c", ".cc", ".cpp", ".cu", ".cxx", ".hip", ".mm", ".mu")


def read_native_files(tree: Tree, workers: Workers) -> Iterator[NativeFile]:
    """Return the facts of every C++, CUDA and HIP file of a tree, in no order.

    The reading starts at once; who asks for the results waits for it.
    """
    contents = {path: tree.read(path) for path in tree.native}
    return workers.map(_read_batch, contents, worthwhile=_WORTH_A_POOL)


def _read_batch(files: Sequence[tuple[str, bytes]]) -> list[NativeFile]:
    return [_within_bounds(path, content) for path, content in files]


def _within_bounds(path: str, content: bytes) -> NativeFile:
    return bounds.share(
        lambda: _read_file(path, content), lambda: NativeFile(path, problems=(costly(path),))
    )


def _read_file(path: str, content: bytes) -> NativeFile:
    if len(content) > _LARGEST_PARSED:
        megabytes = len(content) / 1e6
        too_long = problem(path, "unread.native_too_long", size=f"{megabytes:.1f}")
        return NativeFile(path=path, problems=(too_long,))
    return read_native_text(path, content.decode("utf-8", errors="replace"))


def _macro_uses(
    path: str, opened: Sequence[Opened], condition_at: Callable[[int], Condition]
) -> Iterator[MacroUse]:
    uses: dict[MacroUse, None] = {}
    for block, body, _ in opened:
        line = body.start_point.row + 1
        uses.update(dict.fromkeys(macro_uses(block, path, text_of(body), line, condition_at)))
    yield from uses


def _in_expansion(
    path: str, line: int, text: str, condition_at: Callable[[int], Condition]
) -> Iterator[Registration]:
    """Yield what a macro registers that makes a whole block, at the place where it is used."""
    inner = collect(parse(text.encode()).root_node, path, condition_at)
    opened = registration_blocks(inner.bodies)
    for registration in read_blocks(inner.bodies, opened, path, condition_at, {}).registrations:
        yield replace(registration, location=Location(path, line), condition=condition_at(line))


def _named(blocks: Registered, text: str, *, is_astray: bool) -> frozenset[str]:
    """Return what blocks may name; where the grammar lost its way, whatever texts begin with."""
    if is_astray and blocks.registrations:
        return frozenset(blocks.named | set(_TEXT.findall(text)))
    return frozenset(blocks.named)


def read_native_text(path: str, text: str) -> NativeFile:
    """Return the facts of one file's text."""
    directives = read_directives(path, text)
    condition_at = directives.condition_at
    clean = without_comments(text)
    line_of = line_finder(clean)
    roots = [
        parse(without_idle_bodies(variant).encode()).root_node for variant in variants(text, clean)
    ]
    functions = joined([collect(root, path, condition_at) for root in roots])
    has_errors = any(root.has_error for root in roots)
    definitions = functions.definitions
    if "visibility push(default)" in text:
        definitions[:] = [replace(each, is_exported=True) for each in definitions]
    if has_errors:
        definitions.extend(guessed_definitions(path, clean, line_of, condition_at, definitions))
    masks = tuple(lane_masks(path, clean, line_of, condition_at, definitions))
    asked = {mask.inside for mask in masks}
    asked.update(each.signature.name for each in definitions if each.is_template)
    calls = read_calls(path, clean, condition_at, definitions, asked)
    macros = registering_macros(directives.macro_definitions)
    opened = registration_blocks(functions.bodies)
    blocks = read_blocks(functions.bodies, opened, path, condition_at, macros)
    registrations = blocks.registrations
    for start, expansion in expanded_blocks(clean, macros):
        registrations.extend(_in_expansion(path, line_of(start), expansion, condition_at))
    tabled: tuple[Reference, ...] = ()
    if path.endswith(_COMPILED):
        written = with_literals(text) if "PyMethodDef" in text else ""
        tables = TableReader(path, clean, written, definitions, condition_at)
        tabled = tuple(tables.references(line_of))
        if written:
            registrations.extend(tables.method_tables(line_finder(written)))
    if "TVM" in text or "GlobalDef" in text:
        written = with_literals(text)
        registrations.extend(read_tvm_exports(path, written, line_finder(written), condition_at))
    if "RegisterOperators" in clean:
        registrations.extend(read_operator_chains(roots[0], path, condition_at))
    return NativeFile(
        path=path,
        macro_bodies=(*macro_bodies(path, text, condition_at), *fragment(path, clean, text)),
        macro_uses=(
            *_macro_uses(path, opened, condition_at),
            *macros_outside(path, clean, text, condition_at),
        ),
        declarations=tuple(functions.declarations),
        templates=tuple(functions.templates),
        definitions=tuple(definitions),
        class_instances=tuple(functions.class_instances),
        registrations=tuple(registrations),
        owned=tuple(blocks.owned),
        handed_on=tuple(blocks.handed_on),
        unfollowed=tuple(blocks.unfollowed),
        aliased=tuple(aliased_blocks(functions.bodies, opened, path, clean, line_of, condition_at)),
        named=_named(blocks, text, is_astray=has_errors),
        boxed=tuple(boxed_functions(path, clean, line_of, condition_at)),
        called=calls.names,
        references=calls.references,
        constants=constants(clean, line_of, condition_at),
        init_functions=init_functions(path, clean, line_of, condition_at),
        tabled=tabled,
        opened_namespaces=opened_namespaces(clean),
        has_errors=has_errors,
        macro_tests=tuple(directives.macro_tests),
        macro_calls=tuple(directives.macro_calls),
        macro_definitions=tuple(directives.macro_definitions),
        lane_masks=masks,
        includes=tuple(directives.includes),
    )
