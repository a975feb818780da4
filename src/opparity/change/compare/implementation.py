"""How the change was done: the files that matter, what changed in them, and what follows."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from opparity.change.compare import build_lists, native_files, python_files
from opparity.change.compare.differences import Differences
from opparity.change.compare.excerpts import compare_texts
from opparity.change.model import (
    CellChangeKind,
    FileChange,
    FileKind,
    FileStatus,
    Implementation,
    OtherFiles,
    RowChange,
)
from opparity.checker.analysis.verdict import CellVerdict
from opparity.checker.tree.contents import NATIVE_SUFFIXES
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.change.compare.differences import Difference
    from opparity.change.compare.inspection import Inspected
    from opparity.change.model import MatrixChange, MatrixRow
    from opparity.checker.tree.contents import Place, Tree
    from opparity.words.statements import Statement

# So many files are told one by one; releases that are months apart differ in hundreds.
_MOST_ROWS = 30
# Lines of code that all excerpts show together, and the most and least of one file.
_LINES = 150
_MOST_LINES, _LEAST_LINES = 36, 8
_ORDER = [*FileKind]
_BUILD_FILE = re.compile(
    r"(^|/)(CMakeLists\.txt|[^/]*\.cmake|[^/]*setup[^/]*\.py|pyproject\.toml|build\.toml)$"
    r"|(^|/)op_builder/.*\.py$"
)
_HOST = (".c", ".cc", ".cpp", ".cxx")
_HEADER = (".h", ".hpp", ".cuh", ".hh", ".hxx", ".inl", ".inc", ".ipp", ".tpp")
# A file whose operators stay as they are on every platform: its lines are not shown.
_RANK_OF_KERNELS = 2
# How grave a row is: what breaks or mends a platform goes before what changes a guard.
_GRAVE = frozenset(
    {
        CellChangeKind.BROKE,
        CellChangeKind.VANISHED,
        CellChangeKind.EMPTIED,
        CellChangeKind.WITHDRAWN,
        CellChangeKind.MENDED,
        CellChangeKind.COMPLETED,
    }
)


def changed_files(before: Tree, after: Tree) -> dict[str, FileStatus]:
    """Return every file that is in one tree only or has another content.

    A file that neither tree reads (binary, too long, no source) counts where it came or went.
    """
    found: dict[str, FileStatus] = {}
    for path in sorted(before.files | after.files):
        if path not in before.files:
            found[path] = FileStatus.ADDED
        elif path not in after.files:
            found[path] = FileStatus.REMOVED
        elif _is_other(before.places[path], after.places[path]):
            found[path] = FileStatus.MODIFIED
    return found


def _is_other(old: Place, new: Place) -> bool:
    return old is not None and new is not None and old != new


def describe_implementation(
    before: Inspected, after: Inspected, matrix: MatrixChange, changed: dict[str, FileStatus]
) -> Implementation:
    """Return the table of files."""
    differences = _find_differences(before, after, frozenset(changed))
    rows = {row.operator: row for row in matrix.rows}
    told = [
        (path, difference)
        for path, difference in differences.by_path.items()
        if path in changed and (difference.changes or difference.effects)
    ]
    told.sort(key=lambda pair: (_rank(pair[1], rows), _ORDER.index(_kind(before, after, pair[0]))))
    shown = sorted(
        told[:_MOST_ROWS], key=lambda pair: (_ORDER.index(_kind(before, after, pair[0])), pair[0])
    )
    ranks = [_rank(difference, rows) for _, difference in shown]
    share = _LINES // max(sum(rank < _RANK_OF_KERNELS for rank in ranks), 1)
    budget = min(max(share, _LEAST_LINES), _MOST_LINES)
    return Implementation(
        rows=tuple(
            _row(
                *(before, after, path, changed[path], difference, rows),
                budget=budget if rank < _RANK_OF_KERNELS else 0,
            )
            for (path, difference), rank in zip(shown, ranks, strict=True)
        ),
        others=_others(before, after, changed, {path for path, _ in told}),
        left_out=len(told) - len(shown),
    )


def _rank(difference: Difference, rows: dict[str, MatrixRow]) -> int:
    kinds = {
        cell.kind
        for operator in difference.operators
        if operator in rows
        for cell in rows[operator].cells
    }
    if kinds & _GRAVE:
        return 0
    return 1 if kinds - {CellChangeKind.SAME} else _RANK_OF_KERNELS


def _kind(before: Inspected, after: Inspected, path: str) -> FileKind:
    suffix = path[path.rfind(".") :].lower()
    if _BUILD_FILE.search(path):
        return FileKind.BUILD
    if path.endswith(".py"):
        return FileKind.PYTHON
    if suffix not in NATIVE_SUFFIXES:
        return FileKind.OTHER
    files = [side.project.native[path] for side in (before, after) if path in side.project.native]
    is_host = suffix in _HOST
    if is_host and any(file.registrations for file in files):
        return FileKind.BINDINGS
    return FileKind.HEADER if suffix in _HEADER else FileKind.SOURCE


def _row(
    before: Inspected,
    after: Inspected,
    path: str,
    status: FileStatus,
    difference: Difference,
    rows: dict[str, MatrixRow],
    *,
    budget: int,
) -> FileChange:
    texts = _text(before.tree, path), _text(after.tree, path)
    compared = compare_texts(*texts, sorted(difference.terms), budget)
    kind = _kind(before, after, path)
    own = [rows[operator] for operator in difference.operators if operator in rows]
    effects = [*difference.effects]
    if kind in {FileKind.BINDINGS, FileKind.SOURCE, FileKind.BUILD}:
        effects.extend(_effects(own))
    return FileChange(
        path=path,
        kind=kind,
        status=status,
        added_lines=compared.added,
        removed_lines=compared.removed,
        changes=tuple(difference.changes),
        effects=tuple(effects),
        operators=tuple(difference.operators),
        excerpts=compared.excerpts,
        omitted=compared.omitted,
    )


def _effects(rows: Iterable[MatrixRow]) -> list[Statement]:
    """Return what becomes of operators, those of one fate on the same platforms together."""
    fates: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        for cell in row.cells:
            fate = _fate(row, cell.kind, cell.after.verdict if cell.after else CellVerdict.ABSENT)
            if fate:
                fates.setdefault(fate, {}).setdefault(row.operator, []).append(cell.platform)
    statements: list[Statement] = []
    for fate, platforms_of in fates.items():
        grouped: dict[tuple[str, ...], list[str]] = {}
        for operator, platforms in platforms_of.items():
            grouped.setdefault(tuple(platforms), []).append(operator)
        statements.extend(
            state(f"effect.{fate}", operators=tuple(operators), platforms=platforms)
            for platforms, operators in grouped.items()
        )
    return statements


def _fate(row: MatrixRow, kind: CellChangeKind, verdict: CellVerdict) -> str:
    """Return what becomes of an operator on a platform; "" where nothing is to be said."""
    if kind is CellChangeKind.OTHER:
        return f"now_{verdict.value}"
    if kind in {CellChangeKind.SAME, CellChangeKind.GUARD}:
        if verdict is CellVerdict.BROKEN:
            return "still_broken"
        is_told = row.change is not RowChange.SAME and verdict is CellVerdict.WORKS
        return "still_works" if is_told else ""
    return kind.value


def _others(
    before: Inspected, after: Inspected, changed: dict[str, FileStatus], told: set[str]
) -> tuple[OtherFiles, ...]:
    counts = Counter(
        (_kind(before, after, path), status) for path, status in changed.items() if path not in told
    )
    kinds = [kind for kind in FileKind if any(kind is each for each, _ in counts)]
    return tuple(
        OtherFiles(
            kind,
            added=counts[kind, FileStatus.ADDED],
            removed=counts[kind, FileStatus.REMOVED],
            modified=counts[kind, FileStatus.MODIFIED],
        )
        for kind in kinds
    )


def _text(tree: Tree, path: str) -> str:
    if not tree.is_readable(path):
        return ""
    return tree.read_text(path)


def _find_differences(before: Inspected, after: Inspected, changed: frozenset[str]) -> Differences:
    """Return what is different in the files whose contents changed."""
    differences = Differences(before, after, changed)
    native_files.compare(differences)
    build_lists.compare(differences)
    python_files.compare(differences)
    return differences
