"""Which of the reviewers' comments concern the change, and what the checker says to them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from opparity.change.compare.excerpts import changed_lines
from opparity.change.model import Discussed, Discussion
from opparity.change.tell.suggestions import known_macro
from opparity.checker.analysis.macros import defined_by_somebody, platform_of_macro
from opparity.checker.analysis.translation import TORCH_MACROS
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from opparity.change.compare.inspection import Inspected
    from opparity.change.model import (
        FileStatus,
        MacroUse,
        MatrixChange,
        MatrixRow,
        Review,
        ReviewComment,
        ReviewedFinding,
    )
    from opparity.checker.tree.contents import Tree
    from opparity.words.statements import Statement

_MOST_QUOTED = 20
_LONGEST = 2_000
_MOST_ANSWERS = 6
# A comment at a line speaks of those beside it, too.
_NEAR = 3
_WORD = re.compile(r"[A-Za-z_]\w*")
# Names so short are words of prose: `add`.
_SHORTEST_NAME = 5


@dataclass(frozen=True)
class _Facts:
    """What a comment may concern."""

    before: Inspected
    after: Inspected
    lines: Mapping[str, tuple[frozenset[int], frozenset[int]]]
    macros: frozenset[str]
    defined: frozenset[str]
    rows: Mapping[str, MatrixRow]
    findings: tuple[ReviewedFinding, ...]


def discuss(
    before: Inspected,
    after: Inspected,
    comments: tuple[ReviewComment, ...],
    changed: Mapping[str, FileStatus],
    matrix: MatrixChange,
    macros: tuple[MacroUse, ...],
    review: Review,
) -> Discussion:
    """Return the comments that concern a line, macro or operator of the change or of a finding."""
    if not comments:
        return Discussion()
    findings = (*review.introduced, *review.unresolved, *review.unread, *review.fixed)
    facts = _Facts(
        before,
        after,
        _lines(before, after, {each.path for each in comments} & changed.keys()),
        frozenset(macro.name for macro in macros) | before.undefined_macros,
        defined_by_somebody(after.project) | TORCH_MACROS,
        dict(_rows(matrix, findings)),
        findings,
    )
    found: dict[str, Discussed] = {}
    for number, comment in enumerate(comments):
        reasons = tuple(_reasons(comment, facts))
        # An answer belongs to what it answers, whatever its own words are.
        if not reasons and comment.answers in found:
            reasons = (state("comment.answer"),)
        if reasons:
            found[comment.identity or f"number {number}"] = Discussed(
                replace(comment, body=comment.body[:_LONGEST].rstrip()),
                reasons,
                tuple(dict.fromkeys(_answers(comment, facts)))[:_MOST_ANSWERS],
            )
    quoted = tuple(found.values())
    return Discussion(
        quoted[:_MOST_QUOTED],
        len(comments) - len(quoted[:_MOST_QUOTED]),
        is_cut=any(len(each.body) > _LONGEST for each in comments),
    )


def _lines(
    before: Inspected, after: Inspected, paths: Iterable[str]
) -> dict[str, tuple[frozenset[int], frozenset[int]]]:
    """Return path -> the lines of the tree before and of the tree after that the change touches."""
    return {
        path: changed_lines(_text(before.tree, path), _text(after.tree, path)) for path in paths
    }


def _text(tree: Tree, path: str) -> str:
    return tree.read_text(path) if tree.is_readable(path) else ""


def _rows(
    matrix: MatrixChange, findings: Iterable[ReviewedFinding]
) -> Iterator[tuple[str, MatrixRow]]:
    """Yield the names by which a comment may speak of an operator, each with its row."""
    named = {each.operator for each in findings}
    for row in matrix.rows:
        if row in matrix.changed or row.operator in named:
            for name in (row.operator, *row.symbols):
                last = name.rpartition("::")[2]
                if len(last) >= _SHORTEST_NAME or "_" in last:
                    yield last, row


def _words(comment: ReviewComment) -> dict[str, None]:
    return dict.fromkeys(_WORD.findall(comment.body))


def _reasons(comment: ReviewComment, facts: _Facts) -> Iterator[Statement]:
    """Yield why a comment is quoted."""
    if _is_near(comment, facts):
        yield state("comment.line", place=f"{comment.path}:{comment.line}")
    words = _words(comment)
    # `CUDA` alone is a word of prose.
    spoken = [word for word in words if "_" in word]
    macros = tuple(word for word in spoken if word in facts.macros or platform_of_macro(word))
    if not comment.line and comment.path in facts.lines:
        yield state("comment.file", path=comment.path)
    if macros:
        yield state("comment.macro", macros=macros)
    operators = tuple(dict.fromkeys(facts.rows[w].operator for w in words if w in facts.rows))
    if operators:
        yield state("comment.operator", operators=operators)
    if any(_is_at(comment, finding) for finding in facts.findings):
        yield state("comment.finding", place=f"{comment.path}:{comment.line}")


def _is_near(comment: ReviewComment, facts: _Facts) -> bool:
    if comment.path not in facts.lines or not comment.line:
        return False
    touched = facts.lines[comment.path][0 if comment.is_before else 1]
    first = min(comment.first_line or comment.line, comment.line)
    return any(first - _NEAR <= line <= comment.line + _NEAR for line in touched)


def _is_at(comment: ReviewComment, finding: ReviewedFinding) -> bool:
    places = [(finding.path, finding.line), *((e.path, e.line) for e in finding.related)]
    return bool(comment.line) and any(
        path == comment.path and abs(line - comment.line) <= _NEAR for path, line in places
    )


def _answers(comment: ReviewComment, facts: _Facts) -> Iterator[Statement]:
    """Yield what the checker says: of the place, of the macros, of the operators."""
    words = _words(comment)
    for finding in facts.findings:
        names = {finding.operator.rpartition("::")[2], finding.symbol} - {""}
        if _is_at(comment, finding) or names & words.keys():
            yield state(
                "comment.found",
                rule=finding.rule,
                place=f"{finding.path}:{finding.line}",
                message=finding.statement,
            )
    for word in words:
        if "_" in word and platform_of_macro(word):
            yield _of_macro(word, facts)
    named = [facts.rows[word] for word in words if word in facts.rows]
    for row in {each.operator: each for each in named}.values():
        yield from _of_operator(row)


def _of_macro(macro: str, facts: _Facts) -> Statement:
    if macro in facts.defined:
        return state("comment.macro_defined", macro=macro, platform=platform_of_macro(macro))
    known = known_macro(facts.after, macro)
    if known:
        return state("comment.macro_other", macro=macro, known=known)
    return state("comment.macro_undefined", macro=macro)


def _of_operator(row: MatrixRow) -> Iterator[Statement]:
    """Yield what an operator is on each platform after the change."""
    states: dict[str, list[str]] = {}
    for cell in row.cells:
        verdict = cell.after.verdict.value if cell.after else "absent"
        states.setdefault(verdict, []).append(cell.platform)
    for verdict, platforms in states.items():
        yield state(
            "comment.state",
            operator=row.operator,
            platforms=tuple(platforms),
            verdict=state(f"cell.{verdict}"),
        )
