"""Each row of docs/faults.md in a process of its own: who serves, what is said, what to do."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from faults import breaking, table
from faults.workshop import Broken, Workshop

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faults.md"
SCHEMA = json.loads((ROOT / "docs/schemas/doctor.schema.json").read_text("utf-8"))
FAULTS = {fault.name: fault for fault in table.FAULTS}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the page."""

    fault: str
    seen: str
    works: str
    mend: str


def rows() -> list[Row]:
    found = []
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("| ") and not line.startswith(("| ---", "| fault ")):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            found.append(Row(*cells))
    return found


ROWS = {row.fault: row for row in rows()}


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="session")
def whole(workshop: Workshop) -> dict[str, Any]:
    """Return what is seen where nothing is wrong."""
    return Broken(workshop.whole).run(*table.CALL)


def plain(text: str) -> str:
    """Return words without the places where lines are broken."""
    return " ".join(text.split())


def everything_said(found: dict[str, Any]) -> str:
    """Return all that a user could see: errors, warnings, and what commands print."""
    said = [error["message"] for error in found["raised"].values()]
    said += [message for _, message in found["warned"]]
    for name in ("doctor", "verify", "check"):
        if name in found:
            said += [found[name]["out"], found[name]["err"]]
    return plain("\n".join((*said, found["stderr"])))


def test_the_page_and_the_table_have_the_same_faults() -> None:
    assert [row.fault for row in rows()] == [fault.name for fault in table.FAULTS]


def test_where_nothing_is_wrong_nothing_is_said(whole: dict[str, Any]) -> None:
    assert (whole["served"], whole["raised"], whole["warned"]) == ("native", {}, [])
    assert whole["document"]["faults"] == []
    assert "what is wrong" not in whole["doctor"]["out"]


@pytest.mark.parametrize("name", FAULTS)
def test_the_process_lives_and_says_what_is_wrong_and_how_to_mend_it(
    name: str, workshop: Workshop, whole: dict[str, Any]
) -> None:
    fault, row = FAULTS[name], ROWS[name]
    found = fault.make(workshop).run(*fault.steps)
    said = everything_said(found)
    for quoted in re.findall(r"`([^`]+)`", f"{row.seen} {row.mend}"):
        assert plain(quoted) in said
    assert row.works.startswith(table.WORKS[fault.served])
    assert "internal error" not in said
    look_at_calls(fault, found, whole)
    look_at_doctor(fault, found)
    look_at_commands(fault, found)


def test_without_processes_the_checker_says_what_it_says_with_them(workshop: Workshop) -> None:
    step = f"check {breaking.LARGE_TREE}"
    alone = breaking.no_processes(workshop).run(step)
    said = alone["check"].pop("err")
    whole = Broken(workshop.whole).run(step)["check"]
    assert whole.pop("err") == ""
    assert alone["check"] == whole
    assert "no further process can be started" in said
    assert alone["check"]["status"] == 0


def look_at_calls(fault: table.Fault, found: dict[str, Any], whole: dict[str, Any]) -> None:
    """Look at who served, with which bytes, and whether the reference was told of once."""
    told = [message for kind, message in found["warned"] if kind == "ReferenceServes"]
    if fault.served == "nobody":
        assert "OpparityError" in found["raised"]["call"]["classes"]
        assert "check" in found
    else:
        assert "call" not in found["raised"], found["raised"]
        assert (found["served"], found["bytes"]) == (fault.served, whole["bytes"])
    # A GPU's reference needs a GPU; here it is told of, and torch refuses the rest.
    falls_back = fault.served == "reference" or ("gpu" in fault.steps and fault.in_doctor)
    assert len(told) == falls_back, told
    if "gpu" in fault.steps:
        assert "gpu" in found["raised"]
        assert "served on GPU" not in found


def look_at_doctor(fault: table.Fault, found: dict[str, Any]) -> None:
    """Look at whether doctor lives, and lists what it can know of, in both of its outputs."""
    assert "doctor" not in found["raised"], found["raised"]["doctor"]["trace"]
    assert found["doctor"]["status"] == 0
    document = found["document"]
    jsonschema.validate(document, SCHEMA)
    assert bool(document["faults"]) == fault.in_doctor, document["faults"]
    text = plain(found["doctor"]["out"])
    assert ("(docs/faults.md says more)" in text) == fault.in_doctor
    for each in document["faults"]:
        assert f"- {plain(each)}" in text
    statuses = {
        row["provider"]: row["status"] for row in document["rows"] if row["platform"] == "cpu"
    }
    assert (
        statuses
        == {
            "native": {"native": "selected", "reference": "available"},
            "reference": {"native": "refused", "reference": "selected"},
            "nobody": {"native": "refused", "reference": "refused"},
        }[fault.served]
    )


def look_at_commands(fault: table.Fault, found: dict[str, Any]) -> None:
    """Look at whether the checker finds what it always finds, or says what it cannot do."""
    assert not set(found["raised"]) - {"call", "gpu"}, found["raised"]
    asked = next((step for step in fault.steps if step.startswith("check ")), "")
    if asked.endswith(str(breaking.REPORT)):
        assert found["check"]["status"] == 2
    elif asked.endswith(str(breaking.TREE)):
        assert found["check"]["status"] == 1
        assert "BLD001" in found["check"]["out"]


def test_where_no_thread_can_be_started_torch_has_to_be_told(workshop: Workshop) -> None:
    limited = breaking.no_threads(workshop)
    with pytest.raises(AssertionError, match="libgomp: Thread creation failed"):
        limited.run("large")
    told = replace(limited, environment={**limited.environment, "OMP_NUM_THREADS": "1"})
    assert told.run("large")["large"] == [2048, 2048]
