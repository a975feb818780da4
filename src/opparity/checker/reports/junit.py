"""The report as JUnit XML: one suite a platform, one case a rule and operator."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from opparity.checker.results.report import EVERY_PLATFORM
from opparity.checker.rules.findings import Finding, Severity, Unknown
from opparity.checker.tree.names import printable
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from opparity.checker.results.report import Report
    from opparity.checker.rules.base import Rule


def render(report: Report) -> str:
    """Return the XML; a rule that finds nothing on a platform is a case that passed."""
    platforms = [*report.platforms]
    results: dict[str, list[Finding | Unknown]] = {platform: [] for platform in platforms}
    for each in report.results:
        results.setdefault(each.platform or EVERY_PLATFORM, []).append(each)
    suites = [_suite(report, platform, group) for platform, group in results.items()]
    body = "\n".join(line for suite in suites for line in suite)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<testsuites name={_quoted('opparity ' + report.project)}>\n{body}\n</testsuites>\n"
    )


def _suite(report: Report, platform: str, results: list[Finding | Unknown]) -> list[str]:
    cases = [line for each in results for line in _case(report, each)]
    found = {each.rule for each in results}
    passed = [rule for rule in report.rules if rule.code not in found]
    cases += [_passed(rule) for rule in passed]
    failures = sum(_fails(each) for each in results)
    skipped = sum(isinstance(each, Unknown) for each in results)
    total = len(results) + len(passed)
    counts = f'tests="{total}" failures="{failures}" skipped="{skipped}" errors="0"'
    return [
        f"  <testsuite name={_quoted(platform)} {counts}>",
        *cases,
        "  </testsuite>",
    ]


def _passed(rule: type[Rule]) -> str:
    return f"    <testcase classname={_quoted(rule.code)} name={_quoted(rule.name)}/>"


def _fails(result: Finding | Unknown) -> bool:
    return isinstance(result, Finding) and result.severity is not Severity.INFORMATION


def _case(report: Report, result: Finding | Unknown) -> list[str]:
    subject = result.operator or result.symbol or result.location.path
    place = report.shown(result.location.path)
    start = (
        f"    <testcase classname={_quoted(result.rule)} "
        f"name={_quoted(f'{result.name}: {subject}')} "
        f'file={_quoted(place)} line="{result.location.line}"'
    )
    detail = "\n".join(
        [
            f"{report.place(result.location)}: {english(result.statement)}",
            *(f"{report.place(each.location)}: {english(each.note)}" for each in result.related),
        ]
    )
    said = english(result.statement)
    if isinstance(result, Unknown):
        outcome = f"      <skipped message={_quoted(f'could not be decided: {said}')}/>"
    elif _fails(result):
        outcome = (
            f'      <failure type="{result.severity.value}" message={_quoted(said)}>'
            f"{_text(detail)}</failure>"
        )
    else:
        outcome = f"      <system-out>{_text(detail)}</system-out>"
    return [f"{start}>", outcome, "    </testcase>"]


def _text(text: str) -> str:
    return escape("\n".join(printable(line) for line in text.split("\n")))


def _quoted(text: str) -> str:
    return quoteattr(printable(text))
