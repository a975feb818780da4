"""The report's sections as lines of Markdown, for the whole report and for a comment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.change.formats.discussion import discussion_lines
from opparity.change.formats.earlier import related_lines
from opparity.change.model import CellChangeKind, LineKind, bases
from opparity.escapes import code, code_block, platform_label
from opparity.words.marking import heading, say, table
from opparity.words.statements import state

if TYPE_CHECKING:
    from opparity.change.model import (
        CellChange,
        CellState,
        ChangeReport,
        Excerpt,
        FileChange,
        MatrixRow,
        Outlook,
    )
    from opparity.words.catalogue import Catalogue
    from opparity.words.statements import Statement

_MOST_MATRIX_ROWS = 60
# Of so few commits the whole messages are quoted, where they are all that tells the motive.
_MOST_BODIES = 3
_SIGNS = {LineKind.CONTEXT: " ", LineKind.REMOVED: "-", LineKind.ADDED: "+"}


def head(report: ChangeReport, catalogue: Catalogue) -> list[str]:
    """Return the title and what was compared."""
    compared = state("text.compared", before=report.before.label, after=report.after.label)
    return [f"# {catalogue.word('heading.report')}", "", say(catalogue, compared)]


def summary(report: ChangeReport, catalogue: Catalogue) -> list[str]:
    """Return the paragraph and the verdict on each platform."""
    lines = [*heading(catalogue, "summary"), *summary_body(report, catalogue)]
    return [*lines, *basis(report, catalogue)]


def basis(report: ChangeReport, catalogue: Catalogue) -> list[str]:
    """Return what the checks of both trees are based on; what holds for both is said once."""
    lines = [
        f"- {_of_side(side, catalogue)}{say(catalogue, each)}"
        for side, each in bases(report.before, report.after)
    ]
    return ["", catalogue.word("text.basis"), "", *lines] if lines else []


def _of_side(side: str, catalogue: Catalogue) -> str:
    if not side:
        return ""
    return f"{catalogue.word(f'column.{side}')}{catalogue.word('punctuation.colon')}"


def summary_body(report: ChangeReport, catalogue: Catalogue) -> list[str]:
    """Return the summary without its heading."""
    joint = " " if catalogue.language.value == "en" else ""
    paragraph = joint.join(say(catalogue, each) for each in report.summary.paragraph)
    header = [
        catalogue.word("column.platform"),
        *(
            f"{catalogue.word(f'column.{aspect}')}{catalogue.word('punctuation.open')}"
            f"{catalogue.word(f'column.{side}')}{catalogue.word('punctuation.close')}"
            for aspect in ("imports", "calls")
            for side in ("before", "after")
        ),
    ]
    rows = [
        [
            platform_label(each.platform),
            *(
                _outlook(outlook, aspect, catalogue)
                for aspect in ("imports", "calls")
                for outlook in (each.before, each.after)
            ),
        ]
        for each in report.summary.verdicts
    ]
    return [paragraph, "", *table(header, rows)]


def _outlook(outlook: Outlook | None, aspect: str, catalogue: Catalogue) -> str:
    if outlook is None:
        return catalogue.word("verdict.unknown_platform")
    verdict = outlook.imports if aspect == "imports" else outlook.calls
    word = catalogue.word(f"verdict.{verdict.value}")
    return f"**{word}**" if verdict.value == "fails" else word


def motivation(report: ChangeReport, catalogue: Catalogue) -> list[str]:
    """Return the author's texts, quoted as code: nothing in them is interpreted."""
    found = report.motivation
    lines = heading(catalogue, "motivation")
    if found.description:
        lines += [catalogue.word("text.description"), ""]
        lines += [*code_block(found.description.splitlines(), "text"), ""]
    if found.commits:
        lines += [catalogue.word("text.commits"), ""]
        has_bodies = len(found.commits) <= _MOST_BODIES and not found.description
        for each in found.commits:
            lines.append(f"- {code(each.identity[:12])} {each.date} {code(each.subject)}")
            if has_bodies and each.body:
                body = code_block(each.body.splitlines(), "text")
                lines += ["", *(f"  {line}" for line in body), ""]
        if lines[-1]:
            lines.append("")
    if not found.description and not found.commits:
        lines += [catalogue.word("text.no_motivation"), ""]
    if found.numbers:
        lines += [say(catalogue, state("text.numbers", numbers=found.numbers)), ""]
    if found.is_cut:
        lines += [catalogue.word("text.cut"), ""]
    return lines[:-1]


def implementation(report: ChangeReport, catalogue: Catalogue) -> list[str]:
    """Return the table of files, and after it the lines that changed."""
    found = report.implementation
    lines = [*heading(catalogue, "implementation"), *implementation_table(report, catalogue), ""]
    if found.others:
        lines += [f"{catalogue.word('text.others')}{catalogue.word('punctuation.colon')}", ""]
        for each in found.others:
            counts = {"added": each.added, "removed": each.removed, "modified": each.modified}
            kind = catalogue.word(f"kind.{each.kind.value}")
            lines.append(f"- {catalogue.word('text.other_files').format(kind=kind, **counts)}")
        lines.append("")
    for row in found.rows:
        if row.excerpts:
            lines += [f"### {code(row.path)}", "", *_excerpts(row, catalogue), ""]
    return lines[:-1]


def implementation_table(report: ChangeReport, catalogue: Catalogue) -> list[str]:
    """Return the table of files alone."""
    found = report.implementation
    if not found.rows:
        return [catalogue.word("text.no_rows")]
    header = [catalogue.word(f"column.{name}") for name in ("file", "change", "effect")]
    rows = [
        [
            f"{code(row.path)}<br>{_file_facts(row, catalogue)}",
            _listed(row.changes, catalogue),
            _listed(row.effects, catalogue),
        ]
        for row in found.rows
    ]
    lines = table(header, rows)
    if found.left_out:
        lines += ["", say(catalogue, state("text.left_out", count=found.left_out))]
    return lines


def _file_facts(row: FileChange, catalogue: Catalogue) -> str:
    kind = catalogue.word(f"kind.{row.kind.value}")
    status = catalogue.word(f"status.{row.status.value}")
    comma = catalogue.word("list.next")
    return f"{kind}{comma}{status}{comma}+{row.added_lines} \u2212{row.removed_lines}"


def _listed(statements: tuple[Statement, ...], catalogue: Catalogue) -> str:
    return "<br>".join(say(catalogue, each) for each in statements) or "—"


def _excerpts(row: FileChange, catalogue: Catalogue) -> list[str]:
    lines: list[str] = []
    for excerpt in row.excerpts:
        lines.append(_span(excerpt))
        lines += [f"{_SIGNS[line.kind]}{line.text}" for line in excerpt.lines]
    shown = code_block(lines, "diff")
    if row.omitted:
        shown += ["", say(catalogue, state("text.omitted", count=row.omitted))]
    return shown


def _span(excerpt: Excerpt) -> str:
    """Return a hunk's head as `diff` writes it."""
    old = [line.before for line in excerpt.lines if line.before is not None]
    new = [line.after for line in excerpt.lines if line.after is not None]
    return f"@@ -{old[0] if old else 0},{len(old)} +{new[0] if new else 0},{len(new)} @@"


def matrix(report: ChangeReport, catalogue: Catalogue, most: int = _MOST_MATRIX_ROWS) -> list[str]:
    """Return the rows in which something changed."""
    found = report.matrix
    lines = heading(catalogue, "matrix")
    changed = found.changed
    if not changed:
        return [*lines, catalogue.word("text.no_cells")]
    header = [
        catalogue.word("column.operator"),
        *(platform_label(each) for each in found.platforms),
    ]
    lines += table(header, [_matrix_row(row, catalogue) for row in changed[:most]])
    if len(changed) > most:
        lines += ["", say(catalogue, state("text.rows_left_out", count=len(changed) - most))]
    lines += ["", catalogue.word("text.legend")]
    if found.architectures:
        lines += ["", *_architectures(report, catalogue)]
    return lines


def _matrix_row(row: MatrixRow, catalogue: Catalogue) -> list[str]:
    change = catalogue.word(f"row_change.{row.change.value}")
    opening, closing = catalogue.word("punctuation.open"), catalogue.word("punctuation.close")
    return [
        f"{code(row.operator)}{opening}{change}{closing}",
        *(_cell(cell, catalogue) for cell in row.cells),
    ]


def _cell(cell: CellChange, catalogue: Catalogue) -> str:
    before, after = _state(cell.before, catalogue), _state(cell.after, catalogue)
    if cell.kind is CellChangeKind.SAME:
        return after
    if cell.kind is CellChangeKind.GUARD:
        guards = [each.guard if each else "" for each in (cell.before, cell.after)]
        texts = [code(each) if each else catalogue.word("text.no_guard") for each in guards]
        return f"{after}<br>{texts[0]} → {texts[1]}"
    return f"{before} → **{after}**"


def _state(cell: CellState | None, catalogue: Catalogue) -> str:
    return catalogue.word(f"cell.{cell.verdict.value if cell else 'absent'}")


def _architectures(report: ChangeReport, catalogue: Catalogue) -> list[str]:
    names = list(
        dict.fromkeys(
            name for row in report.matrix.architectures for name, _ in (*row.before, *row.after)
        )
    )
    lines = [*heading(catalogue, "architectures", 3)]
    header = [catalogue.word("column.operator"), *(platform_label(name) for name in names)]
    rows = []
    for row in report.matrix.architectures:
        before, after = dict(row.before), dict(row.after)
        cells = []
        for name in names:
            first, second = (
                catalogue.word(f"cell.{side[name].value}") if name in side else "—"
                for side in (before, after)
            )
            cells.append(second if first == second else f"{first} → **{second}**")
        rows.append([code(row.operator), *cells])
    return lines + table(header, rows)


def review(report: ChangeReport, catalogue: Catalogue) -> list[str]:
    """Return the findings introduced and fixed, and the remarks."""
    from opparity.change.formats.findings import finding_lines, hidden_lines  # noqa: PLC0415 -- it takes ours

    found = report.review
    lines = heading(catalogue, "review")
    lines += [*heading(catalogue, "introduced", 3), *finding_lines(found.introduced, catalogue)]
    if found.hidden:
        name = "accepted" if found.is_trusted else "hidden"
        lines += [*heading(catalogue, name, 3), *hidden_lines(found, catalogue)]
    if found.unresolved:
        lines += [*heading(catalogue, "unresolved", 3), *finding_lines(found.unresolved, catalogue)]
    if found.unread:
        lines += heading(catalogue, "unread", 3)
        lines += finding_lines(found.unread, catalogue, is_advised=False)
    lines += heading(catalogue, "fixed", 3)
    lines += finding_lines(found.fixed, catalogue, is_advised=False)
    remarks = (*found.settings, *found.remarks)
    if remarks:
        lines += heading(catalogue, "remarks", 3)
        lines += [*(f"- {say(catalogue, each)}" for each in remarks), ""]
    lines += discussion_lines(found.discussion, catalogue)
    if not found.remaining:
        return lines[:-1]
    return [*lines, say(catalogue, state("text.remaining", count=found.remaining))]


def risks(report: ChangeReport, catalogue: Catalogue) -> list[str]:
    """Return the risks, the impact, the lost operators and the macros."""
    found = report.risks
    lines = [*heading(catalogue, "risks"), *heading(catalogue, "risk_list", 3)]
    lines += _bullets(found.risks, catalogue, "text.no_risks")
    lines += heading(catalogue, "impact", 3)
    for name in ("positive", "negative", "scope"):
        statements: tuple[Statement, ...] = getattr(found, name)
        lines += [f"**{catalogue.word(f'heading.{name}')}**", ""]
        lines += _bullets(statements, catalogue, "text.nothing")
    lines += _lost(report, catalogue)
    lines += _macros(report, catalogue)
    return lines[:-1]


def _bullets(statements: tuple[Statement, ...], catalogue: Catalogue, none: str) -> list[str]:
    if not statements:
        return [catalogue.word(none), ""]
    return [*(f"- {say(catalogue, each)}" for each in statements), ""]


def _lost(report: ChangeReport, catalogue: Catalogue) -> list[str]:
    called = [each for each in report.risks.lost if each.callers]
    if not called:
        return []
    header = [
        catalogue.word(f"column.{name}") for name in ("operator", "platform", "caller", "outcome")
    ]
    rows = [
        [
            code(each.operator),
            platform_label(each.platform),
            code(f"{caller.path}:{caller.line}"),
            catalogue.word(f"outcome.{caller.outcome.value}"),
        ]
        for each in called
        for caller in each.callers
    ]
    return [*heading(catalogue, "lost", 3), *table(header, rows), ""]


def _macros(report: ChangeReport, catalogue: Catalogue) -> list[str]:
    if not report.risks.macros:
        return []
    header = [catalogue.word(f"column.{name}") for name in ("macro", "defined", "tested")]
    rows = []
    for macro in report.risks.macros:
        defined = [
            f"{code(place)} {', '.join(map(platform_label, labels))}"
            for place, labels in macro.defined
        ]
        if macro.by_torch:
            labels = ", ".join(map(platform_label, macro.by_torch))
            defined.append(f"{catalogue.word('text.by_torch')} {labels}")
        tested = [code(f"{place.path}:{place.line}") for place in macro.tested]
        tested.append(say(catalogue, state("text.files", count=macro.files)))
        rows.append(
            [
                code(macro.name),
                "<br>".join(defined) or f"**{catalogue.word('text.nobody')}**",
                "<br>".join(tested),
            ]
        )
    return [*heading(catalogue, "macros", 3), *table(header, rows), ""]


def related(report: ChangeReport, catalogue: Catalogue) -> list[str]:
    """Return earlier changes and the trend."""
    return [*heading(catalogue, "related"), *related_lines(report.related, catalogue)]
