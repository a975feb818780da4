"""The matrix for people and for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.tree.names import printable
from opparity.escapes import code, in_json, in_log, platform_label
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.checker.analysis.matrix import Answer, Cell, Matrix
    from opparity.checker.facts.places import Related

SCHEMA_VERSION = 1
_WORDS = {Truth.TRUE: "yes", Truth.FALSE: "no", Truth.UNKNOWN: "unknown"}
_LEGEND = (
    "D declared, R registered (def), I implemented (impl, for any dispatch key), B built, "
    "C called from Python"
)


def render_text(matrix: Matrix) -> str:
    """Return a table: a capital is yes, a dot is no, a question mark is unknown."""
    rows = [
        (printable(row.operator), *(letters(cell) for cell in row.cells)) for row in matrix.rows
    ]
    header = ("operator", *map(printable, matrix.platforms))
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]
    noun = "operator" if len(matrix.rows) == 1 else "operators"
    share = f"{len(matrix.rows)} {noun}; {matrix.unknown_share:.1%} of the answers are unknown"
    return in_log("\n".join([*lines, "", f"{_LEGEND}; . no, ? unknown", share])) + "\n"


def render_markdown(matrix: Matrix) -> str:
    """Return the same table as Markdown."""
    lines = [
        f"| operator | {' | '.join(map(platform_label, matrix.platforms))} |",
        f"| --- |{' --- |' * len(matrix.platforms)}",
    ]
    for row in matrix.rows:
        cells = " | ".join(f"`{letters(cell)}`" for cell in row.cells)
        lines.append(f"| {code(row.operator)} | {cells} |")
    return "\n".join([*lines, "", f"{_LEGEND}; `.` no, `?` unknown.", ""])


def render_json(project: str, matrix: Matrix) -> str:
    """Return every answer with the places that say so: docs/schemas/matrix.schema.json."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "project": project,
        "platforms": list(matrix.platforms),
        "operators": [
            {
                "operator": row.operator,
                "symbols": list(row.symbols),
                "platforms": {
                    platform: _cell(cell)
                    for platform, cell in zip(matrix.platforms, row.cells, strict=True)
                },
            }
            for row in matrix.rows
        ],
        "summary": {"operators": len(matrix.rows), "unknown_share": matrix.unknown_share},
    }
    return in_json(json.dumps(document, indent=2)) + "\n"


def letters(cell: Cell) -> str:
    """Return a capital for yes, a dot for no and a question mark for unknown, five in all."""
    implemented = _most(answer for _, answer in cell.implemented)
    truths = (
        ("D", cell.declared.truth),
        ("R", cell.defined.truth),
        ("I", implemented),
        ("B", cell.built.truth),
        ("C", cell.called.truth),
    )
    return "".join(
        {Truth.TRUE: letter, Truth.FALSE: ".", Truth.UNKNOWN: "?"}[truth]
        for letter, truth in truths
    )


def _most(answers: Iterable[Answer]) -> Truth:
    return max((each.truth for each in answers), key=lambda truth: truth.value, default=Truth.FALSE)


def _cell(cell: Cell) -> dict[str, object]:
    return {
        "declared": _answer(cell.declared),
        "defined": _answer(cell.defined),
        "implemented": {key or "all": _answer(answer) for key, answer in cell.implemented},
        "built": _answer(cell.built),
        "called": _answer(cell.called),
    }


def _answer(answer: Answer) -> dict[str, object]:
    return {"answer": _WORDS[answer.truth], "places": [_place(each) for each in answer.places]}


def _place(related: Related) -> dict[str, object]:
    location = related.location
    return {"path": location.path, "line": location.line, "message": english(related.note)}
