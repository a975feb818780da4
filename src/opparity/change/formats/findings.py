"""Findings as Markdown: what, why it matters, and the edit that would mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.escapes import code, code_block, platform_label
from opparity.words.marking import marked, say
from opparity.words.statements import state

if TYPE_CHECKING:
    from opparity.change.model import Review, ReviewedFinding, Suggestion
    from opparity.words.catalogue import Catalogue

_MOST = 40
_MOST_PLACES = 5


def finding_lines(
    findings: tuple[ReviewedFinding, ...],
    catalogue: Catalogue,
    most: int = _MOST,
    *,
    is_advised: bool = True,
) -> list[str]:
    """Return findings as a list, an empty line after it."""
    if not findings:
        return [catalogue.word("text.no_findings"), ""]
    lines: list[str] = []
    explained: set[str] = set()
    for finding in findings[:most]:
        lines += _finding(finding, catalogue, is_explained=finding.rule in explained)
        if is_advised:
            lines += [*_suggestion(finding, finding.suggestion, catalogue), ""]
        explained.add(finding.rule)
    if len(findings) > most:
        left = state("text.findings_left_out", count=len(findings) - most)
        lines += [say(catalogue, left), ""]
    return lines


def hidden_lines(review: Review, catalogue: Catalogue, most: int = _MOST) -> list[str]:
    """Return what the change hides, one line each, and an empty line after it."""
    name = "accepted" if review.is_trusted else "hidden"
    lines = [catalogue.word(f"text.{name}"), ""]
    colon = catalogue.word("punctuation.colon")
    for each in review.hidden[:most]:
        word = catalogue.word("text.hidden_new" if each.is_new else "text.hidden_old")
        shown = headline(each.finding, catalogue)
        lines.append(f"- {shown}<br>{word}{colon}{say(catalogue, each.reason)}")
    if len(review.hidden) > most:
        left = state("text.findings_left_out", count=len(review.hidden) - most)
        lines += ["", say(catalogue, left)]
    return [*lines, ""]


def headline(finding: ReviewedFinding, catalogue: Catalogue) -> str:
    """Return a finding in one line."""
    colon = catalogue.word("punctuation.colon")
    where = ", ".join(map(platform_label, finding.platforms)) or catalogue.word("text.everywhere")
    subject = finding.operator or finding.symbol
    parts = [
        f"**{catalogue.word(f'severity.{finding.severity.value}')} {finding.rule}**",
        where,
        *([code(subject)] if subject else []),
        code(f"{finding.path}:{finding.line}"),
    ]
    return f"{' · '.join(parts)}{colon}{marked(catalogue.rule(finding.rule, 'title'))}"


def _finding(finding: ReviewedFinding, catalogue: Catalogue, *, is_explained: bool) -> list[str]:
    colon = catalogue.word("punctuation.colon")
    lines = [f"- {headline(finding, catalogue)}", ""]
    stop = catalogue.word("punctuation.stop")
    lines += [f"  {say(catalogue, finding.statement)}{stop}", ""]
    if finding.excerpt:
        lines += [*_indented(code_block([finding.excerpt], _language(finding.path))), ""]
    if finding.related:
        places = dict.fromkeys(f"{each.path}:{each.line}" for each in finding.related)
        listed = catalogue.word("list.next").join(map(code, [*places][:_MOST_PLACES]))
        lines += [f"  {catalogue.word('text.places')}{colon}{listed}", ""]
    if not is_explained:
        why = marked(catalogue.rule(finding.rule, "why"))
        lines += [f"  {catalogue.word('text.why')}{colon}{why}", ""]
    return lines


def _suggestion(
    finding: ReviewedFinding, suggestion: Suggestion | None, catalogue: Catalogue
) -> list[str]:
    colon = catalogue.word("punctuation.colon")
    if suggestion is None:
        remedy = marked(catalogue.rule(finding.rule, "remedy"))
        return [f"  {catalogue.word('text.advice')}{colon}{remedy}"]
    if not suggestion.new:
        return [f"  {catalogue.word('text.advice')}{colon}{say(catalogue, suggestion.advice)}"]
    place = code(f"{suggestion.path}:{suggestion.line}")
    opening, closing = catalogue.word("punctuation.open"), catalogue.word("punctuation.close")
    title = f"{catalogue.word('text.suggestion')}{opening}{place}{closing}{colon}"
    return [
        f"  {title}{say(catalogue, suggestion.advice)}",
        "",
        *_indented(code_block([f"-{suggestion.old}", f"+{suggestion.new}"], "diff")),
    ]


def _language(path: str) -> str:
    """Return the name by which Markdown knows a file's language."""
    if path.endswith((".py", ".toml")):
        return "python" if path.endswith(".py") else "toml"
    return "cmake" if path.endswith((".txt", ".cmake")) else "cpp"


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]
