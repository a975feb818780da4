"""Every JSON document that a command writes has a schema in docs, and follows it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from opparity.command_line import application

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "docs/schemas"
PROJECT = str(ROOT / "tests/projects/vllm_38750_unguarded")
# What a command is called with to write the document; the others' own tests validate them.
CALLS: dict[str, tuple[str, ...]] = {
    "check": ("check", PROJECT),
    "statistics": ("check", PROJECT, "--statistics"),
    "matrix": ("matrix", PROJECT),
    "explain": ("explain", "BLD001"),
    "rules": ("rules",),
}
TESTED_ELSEWHERE = {
    "benchmark": "benchmark/test_benchmark.py",
    "doctor": "test_verification.py",
    "evaluate": "evaluation/test_command.py",
    "history": "history/test_history.py",
    "report": "change/test_report_of_38750.py",
    "verify": "test_verification.py",
}


def schema_of(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


def written(*call: str) -> Any:  # noqa: ANN401 -- JSON
    return json.loads(CliRunner().invoke(application, [*call]).stdout)


@pytest.mark.parametrize("name", CALLS)
def test_a_document_follows_its_closed_schema(name: str) -> None:
    document = written(*CALLS[name], "--output-format", "json")
    validator = jsonschema.Draft202012Validator(schema_of(name))
    validator.validate(document)
    # Nothing can be added, and nothing left out, without the schema.
    assert not validator.is_valid({**document, "more": 1})
    for key in document:
        assert not validator.is_valid({k: v for k, v in document.items() if k != key}), key


def test_the_matrix_is_described_to_its_last_place() -> None:
    document = written(*CALLS["matrix"], "--output-format", "json")
    cells = [cell for row in document["operators"] for cell in row["platforms"].values()]
    places = [place for cell in cells for place in cell["declared"]["places"]]
    assert places
    validator = jsonschema.Draft202012Validator(schema_of("matrix"))
    places[0]["column"] = 1
    assert not validator.is_valid(document)


def test_a_baseline_follows_its_schema(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    ended = CliRunner().invoke(application, ["check", PROJECT, "--write-baseline", str(path)])
    assert ended.exit_code == 0, ended.output
    document = json.loads(path.read_text("utf-8"))
    assert document["accepted"]
    jsonschema.validate(document, schema_of("baseline"))


def test_no_command_that_writes_json_is_without_a_schema() -> None:
    commands = get_command(application).commands  # type: ignore[attr-defined] # it is a group
    writing = {
        name
        for name, command in commands.items()
        if any(option.name == "output_format" for option in command.params)
    }
    assert writing == (CALLS.keys() | TESTED_ELSEWHERE.keys()) - {"statistics"}
    files = {path.name.removesuffix(".schema.json") for path in SCHEMAS.iterdir()}
    assert files == CALLS.keys() | TESTED_ELSEWHERE.keys() | {"baseline"}


@pytest.mark.parametrize(("name", "test"), TESTED_ELSEWHERE.items())
def test_the_other_documents_are_validated_where_they_are_written(name: str, test: str) -> None:
    text = (ROOT / "tests" / test).read_text("utf-8")
    assert re.search(rf'{name}\.schema\.json|command\("{name}"', text)
    assert "validate(" in text
    schema_of(name)


def test_each_schema_is_named_where_its_command_is_described() -> None:
    pages = "".join(path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md"))
    for path in SCHEMAS.iterdir():
        assert f"(schemas/{path.name})" in pages
