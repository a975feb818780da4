"""What `opparity doctor` says of the vLLM in its environment, here the stand-in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema

from opparity.integrations.vllm.table import PARTS, ROWS

STAND_INS = Path(__file__).parent / "stand_ins"
SCHEMA = Path(__file__).parents[2] / "docs/schemas/doctor.schema.json"


def doctor(*paths: Path, **environment: str) -> Any:  # noqa: ANN401 -- a document
    ended = subprocess.run(
        [sys.executable, "-m", "opparity", "doctor", "--output-format", "json"],
        env={
            **os.environ,
            **environment,
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
        },
        check=True,
        capture_output=True,
        text=True,
    )
    document = json.loads(ended.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text("utf-8")))
    return document["vllm"]


def test_each_operator_and_part_has_its_line() -> None:
    found = doctor(STAND_INS, OPPARITY_VLLM="replace:rms_norm,without:linear")
    assert (found["version"], found["platform"], found["objection"]) == ("0.33.0", "cpu", None)
    status = {row["name"]: row["status"] for row in found["operators"]}
    assert list(status) == [row.name for row in ROWS]
    assert status["silu_and_mul_per_block_quant"] == "defined"
    assert status["rms_norm"] == "not defined"  # the stand-in has none to replace
    parts = {row["name"]: row["status"] for row in found["parts"]}
    assert list(parts) == [part.name for part in PARTS]
    assert parts["linear"] == "left out"


def test_a_mistake_in_the_variable_is_the_objection() -> None:
    found = doctor(STAND_INS, OPPARITY_VLLM="replace:nothing")
    assert "no operator of vLLM's that Opparity has is called 'nothing'" in found["objection"]
    assert found["operators"] == []


def test_a_vllm_that_does_not_import_is_said(tmp_path: Path) -> None:
    (tmp_path / "vllm").mkdir()
    (tmp_path / "vllm/__init__.py").write_text("raise ImportError('libcudart.so.13 is missing')")
    found = doctor(tmp_path)
    assert found["version"] is None
    assert found["objection"] == (
        "vLLM cannot be imported: ImportError: libcudart.so.13 is missing"
    )


def test_without_vllm_there_is_nothing_to_say() -> None:
    assert doctor() is None
