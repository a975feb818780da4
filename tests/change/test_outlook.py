from __future__ import annotations

from dataclasses import replace

import pytest

from change.change_reports import UNGUARDED, project, report_of
from opparity.change.model import Verdict
from opparity.change.tell.outlook import outlook
from opparity.checker.facts.places import Location
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

WORKS, FAILS, UNDECIDED = Verdict
# What an error with each effect makes of the import and of the calls.
OF_ERRORS = {
    Effect.BUILD: (FAILS, FAILS),
    Effect.IMPORT: (FAILS, FAILS),
    Effect.CALL: (WORKS, FAILS),
    Effect.RESULT: (WORKS, FAILS),
    Effect.NONE: (WORKS, WORKS),
}


def finding(effect: Effect, severity: Severity = Severity.ERROR, platform: str = "rocm") -> Finding:
    place = Location("a.cpp", 1)
    return Finding("ANY001", "any", severity, effect, place, state("place.used"), platform)


def unknown(effect: Effect, platform: str = "rocm") -> Unknown:
    place = Location("a.cpp", 1)
    return Unknown("ANY001", "any", effect, place, state("place.used"), platform)


def verdicts(*results: Finding | Unknown, platform: str = "rocm") -> tuple[Verdict, Verdict]:
    inspected = project(UNGUARDED)
    report = replace(
        inspected.report,
        findings=tuple(each for each in results if isinstance(each, Finding)),
        unknowns=tuple(each for each in results if isinstance(each, Unknown)),
    )
    found = outlook(replace(inspected, report=report), platform)
    assert found is not None
    return found.imports, found.calls


@pytest.mark.parametrize(("effect", "expected"), OF_ERRORS.items())
def test_an_error_has_its_effect_whatever_its_rule(
    effect: Effect, expected: tuple[Verdict, Verdict]
) -> None:
    assert verdicts(finding(effect)) == expected
    assert verdicts(finding(effect, platform="")) == expected
    assert verdicts(finding(effect, platform="cuda")) == (WORKS, WORKS)


def test_a_warning_counts_for_the_platform_that_it_names() -> None:
    assert verdicts(finding(Effect.CALL, Severity.WARNING)) == (WORKS, FAILS)
    assert verdicts(finding(Effect.CALL, Severity.WARNING, platform="")) == (WORKS, WORKS)
    assert verdicts(finding(Effect.CALL, Severity.INFORMATION)) == (WORKS, WORKS)


def test_what_could_not_be_decided_is_said_of_what_it_would_break() -> None:
    assert verdicts(unknown(Effect.IMPORT)) == (UNDECIDED, WORKS)
    assert verdicts(unknown(Effect.CALL)) == (WORKS, UNDECIDED)
    assert verdicts(unknown(Effect.NONE)) == (WORKS, WORKS)
    assert verdicts(unknown(Effect.IMPORT), finding(Effect.CALL)) == (UNDECIDED, FAILS)


@pytest.mark.parametrize(
    ("before", "after", "platform", "aspect"),
    [
        (
            "module_built_under_the_name_of_the_build",
            "module_built_under_another_name",
            0,
            "imports",
        ),
        (
            "extension_imported_wherever_it_is_built",
            "extension_imported_for_cuda_alone",
            1,
            "calls",
        ),
    ],
)
def test_a_report_that_introduces_a_failure_says_so(
    before: str, after: str, platform: int, aspect: str
) -> None:
    report = report_of(before, after)
    verdict = report.summary.verdicts[platform]
    assert verdict.before is not None
    assert verdict.after is not None
    assert getattr(verdict.before, aspect) is not FAILS
    assert getattr(verdict.after, aspect) is FAILS
    assert f"summary.{aspect}_now_fail" in [each.key for each in report.summary.paragraph]
