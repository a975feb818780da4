"""The report as JUnit XML: one suite a platform, one case a rule and operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.results.report import EVERY_PLATFORM
from opparity.checker.rules.findings import Finding, Severity, Unknown
from opparity.escapes import in_xml, in_xml_attribute
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
    name = in_xml_attribute(f"opparity {report.project}")
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name={name}>\n{body}\n</testsuites>\n'
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
        f"  <testsuite name={in_xml_attribute(platform)} {counts}>",
        *cases,
        "  </testsuite>",
    ]


def _passed(rule: type[Rule]) -> str:
    return f'    <testcase classname="{rule.code}" name="{rule.name}"/>'


def _fails(result: Finding | Unknown) -> bool:
    return isinstance(result, Finding) and result.severity is not Severity.INFORMATION


def _case(report: Report, result: Finding | Unknown) -> list[str]:
    subject = result.operator or result.symbol or result.location.path
    place = report.shown(result.location.path)
    start = (
        f"    <testcase classname={in_xml_attribute(result.rule)} "
        f"name={in_xml_attribute(f'{result.name}: {subject}')} "
        f'file={in_xml_attribute(place)} line="{result.location.line}"'
    )
    detail = "\n".join(
        [
            f"{report.place(result.location)}: {english(result.statement)}",
            *(f"{report.place(each.location)}: {english(each.note)}" for each in result.related),
        ]
    )
    said = english(result.statement)
    if isinstance(result, Unknown):
        outcome = f"      <skipped message={in_xml_attribute(f'could not be decided: {said}')}/>"
    elif _fails(result):
        outcome = (
            f'      <failure type="{result.severity.value}" message={in_xml_attribute(said)}>'
            f"{in_xml(detail)}</failure>"
        )
    else:
        outcome = f"      <system-out>{in_xml(detail)}</system-out>"
    return [f"{start}>", outcome, "    </testcase>"]
