from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opparity.checker.facts.places import Location
from opparity.checker.results.baseline import (
    BaselineRefused,
    compare,
    entry_of,
    read_baseline,
    write_baseline,
)
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from pathlib import Path

FINDINGS = st.lists(
    st.builds(
        Finding,
        rule=st.sampled_from(["BLD001", "CAL001"]),
        name=st.just("a-name"),
        severity=st.sampled_from(Severity),
        location=st.builds(
            Location, st.sampled_from(["a.cu", "b.cpp"]), st.integers(1, 99), st.just(1)
        ),
        effect=st.sampled_from(Effect),
        statement=st.just(state("place.used")),
        platform=st.sampled_from(["rocm", "cuda:9.0", ""]),
        operator=st.sampled_from(["_C::x", "_C::y", ""]),
        symbol=st.sampled_from(["x", ""]),
    ),
    max_size=8,
)


def finding_at(line: int) -> Finding:
    return Finding(
        rule="BLD001",
        name="a-name",
        severity=Severity.ERROR,
        effect=Effect.IMPORT,
        location=Location("a.cu", line),
        statement=state("place.used"),
        platform="rocm",
        operator="_C::x",
    )


@given(findings=FINDINGS)
def test_a_baseline_accepts_exactly_what_it_was_written_from(
    findings: list[Finding], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "baseline.json"
    path.write_text(write_baseline(findings))
    comparison = compare(findings, read_baseline(path))
    assert comparison.new == ()
    assert comparison.stale == ()
    assert len(comparison.accepted) == len(findings)


@given(findings=FINDINGS, extra=FINDINGS)
def test_one_more_is_new_and_one_less_is_stale(
    findings: list[Finding], extra: list[Finding], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "baseline.json"
    path.write_text(write_baseline(findings))
    baseline = read_baseline(path)
    more = compare([*findings, *extra], baseline)
    assert sorted(map(entry_of, more.new)) == sorted(map(entry_of, extra))
    assert more.stale == ()
    fewer = compare(findings[1:], baseline)
    assert fewer.new == ()
    assert [entry for entry, *_ in fewer.stale] == [entry_of(each) for each in findings[:1]]


def undecided(finding: Finding) -> Finding:
    """Return what `--strict` makes of the same where it cannot be decided."""
    told = state("result.undecided", told=finding.statement)
    return replace(finding, severity=Severity.WARNING, statement=told)


def test_what_could_not_be_decided_accepts_nothing_that_is_sure(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    sure, open_one = finding_at(1), undecided(finding_at(2))
    path.write_text(write_baseline([open_one]))
    comparison = compare([sure], read_baseline(path))
    assert comparison.new == (sure,)
    assert [there for *_, there in comparison.stale] == [0]
    assert compare([open_one], read_baseline(path)).new == ()


def test_what_was_sure_accepts_what_cannot_be_decided_any_more(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    sure, open_one = finding_at(1), undecided(finding_at(2))
    path.write_text(write_baseline([sure]))
    assert compare([open_one], read_baseline(path)).new == ()
    assert compare([open_one], read_baseline(path)).stale == ()
    assert compare([sure, open_one], read_baseline(path)).new == (open_one,)
    path.write_text(write_baseline([sure, open_one]))
    both = compare([sure, open_one], read_baseline(path))
    assert (both.new, both.stale) == ((), ())
    assert len(compare([open_one], read_baseline(path)).stale) == 1


def test_what_no_entry_accepts_is_left_as_what_it_is() -> None:
    sure = finding_at(1)
    open_one = Unknown(
        rule="BLD001",
        name="a-name",
        effect=Effect.IMPORT,
        location=Location("a.cu", 2),
        statement=state("place.used"),
        platform="rocm",
        operator="_C::x",
    )
    without = compare([sure], {}, [open_one])
    assert (without.new, without.undecided, without.accepted) == ((sure,), (open_one,), ())
    accepted = compare([sure], {entry_of(open_one): 1}, [open_one])
    assert (accepted.new, accepted.undecided) == ((sure,), ())
    assert accepted.accepted == (open_one,)


@given(findings=FINDINGS)
def test_moved_lines_and_changed_words_are_still_accepted(
    findings: list[Finding], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "baseline.json"
    path.write_text(write_baseline(findings))
    moved = [
        replace(
            each,
            location=Location(each.location.path, each.location.line + 7),
            statement=state("place.tested"),
        )
        for each in findings
    ]
    assert compare(moved, read_baseline(path)).new == ()


def test_the_file_is_the_same_whatever_the_order() -> None:
    one = finding_at(1)
    two = replace(one, operator="_C::y")
    assert write_baseline([one, two]) == write_baseline([two, one])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schema_version": 2, "accepted": []}',
        '{"schema_version": 1, "accepted": {}}',
        '{"schema_version": 1, "accepted": [{}]}',
        '{"schema_version": 1, "accepted": ["BLD001"]}',
        "[" * 100_000,
        "\xff",
    ],
)
def test_what_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(BaselineRefused, match="write it anew with --write-baseline"):
        read_baseline(path)


def test_a_missing_baseline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BaselineRefused, match="No such file"):
        read_baseline(tmp_path / "baseline.json")


def test_the_key_holds_no_line() -> None:
    one = finding_at(41)
    (entry,) = json.loads(write_baseline([one]))["accepted"]
    assert entry == {
        "rule": "BLD001",
        "operator": "_C::x",
        "symbol": None,
        "platform": "rocm",
        "path": "a.cu",
        "count": 1,
    }
