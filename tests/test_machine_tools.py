"""Tests whose tool is missing: skipped here, failed in the workflow of GitHub."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import machine_tools

WORKFLOW = Path(__file__).parents[1] / ".github/workflows/tests.yml"


@pytest.fixture
def without_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no tool be there, and none be installed."""
    absent = [dataclasses.replace(tool, is_there=lambda: False) for tool in machine_tools.TOOLS]
    monkeypatch.setattr(machine_tools, "TOOLS", absent)
    monkeypatch.setattr(machine_tools, "_apt_get", lambda *_: "no network")


def test_a_developer_sees_the_reason_of_a_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPPARITY_TEST_TOOLS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no Chromium"):
        machine_tools.lacking("no Chromium")


def test_where_tools_are_required_it_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPPARITY_TEST_TOOLS", "require")
    with pytest.raises(
        pytest.fail.Exception, match="no Chromium; OPPARITY_TEST_TOOLS is 'require'"
    ):
        machine_tools.lacking("no Chromium")


def test_a_misspelt_switch_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPPARITY_TEST_TOOLS", "required")
    with pytest.raises(SystemExit, match="is 'required'; allowed: skip, require"):
        machine_tools.lacking("no Chromium")


@pytest.mark.usefixtures("without_tools")
@pytest.mark.parametrize(("switch", "status"), [("skip", 0), ("require", 1)])
def test_installation_says_what_becomes_of_the_tests(
    switch: str, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPPARITY_TEST_TOOLS", switch)
    assert machine_tools.install() == status
    said = capsys.readouterr().err
    become = {"skip": "be skipped", "require": "fail"}[switch]
    assert f"the tests of the pages will {become}: no chromium" in said
    assert f"the test of the CPU kernel on aarch64 will {become}: no g++" in said
    assert said.count("(no network)") == len(machine_tools.TOOLS)


def test_the_workflow_requires_them_by_root_too_and_sends_trees() -> None:
    workflow: dict[str, Any] = YAML(typ="safe").load(WORKFLOW)
    job = workflow["jobs"]["test"]
    assert job["env"] == {"OPPARITY_TEST_TOOLS": "require"}
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert "--preserve-env=PATH,CI,OPPARITY_TEST_TOOLS make machine-tools" in commands[0]
    assert commands[1:3] == ["make test", "make fuzz TREES=1000"]
