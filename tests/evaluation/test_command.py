from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

from opparity.command_line import application
from opparity.evaluation import evaluate as evaluation_module
from opparity.evaluation.number_formats import FLOAT32, FORMATS
from opparity.evaluation.results import Comparison
from opparity.evaluation.variants import CPU, Variant
from opparity.operators import IMPLEMENTATIONS, selection
from opparity.operators.declaration import Implementation
from opparity.platforms import Platform

SCHEMA = Path(__file__).parents[2] / "docs/schemas/evaluate.schema.json"


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(application, ["evaluate", "--device", "cpu", *arguments])


SMALL_TEXT = ("--bytes", "512", "--share", "128")


@pytest.fixture
def gpu_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a provider into the table that serves no CPU."""
    row = Implementation(
        "elsewhere", frozenset({Platform.CUDA}), "opparity.operators.torch_build:objection"
    )
    monkeypatch.setattr(selection, "IMPLEMENTATIONS", (*IMPLEMENTATIONS, row))


@pytest.mark.usefixtures("gpu_provider")
def test_the_document_has_the_keys_and_types_of_its_schema(small_folder: Path) -> None:
    result = invoke("--model", str(small_folder), *SMALL_TEXT, "--output-format", "json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text("utf-8")))
    assert document["schema_version"] == 2
    assert document["identical"] is True
    assert document["window"] == 64
    names = [(one["numbers"], one["provider"]) for one in document["variants"]]
    assert names == [
        ("float32", None),
        ("bfloat16", None),
        ("block FP8", "native"),
        ("block FP8", "reference"),
        ("exact block FP8", "native"),
        ("MXFP8", "native"),
        ("MXFP8", "reference"),
        ("exact MXFP8", "native"),
        ("int8 by token", "native"),
        ("int8 by token", "reference"),
    ]
    tokens = [512, 512, 512, 128, 128, 512, 128, 128, 512, 128]
    assert [one["tokens"] for one in document["variants"]] == tokens
    compared = {one["numbers"]: one["identical"] for one in document["comparisons"]}
    assert compared == {
        "block FP8": True,
        "exact block FP8": None,
        "MXFP8": True,
        "exact MXFP8": None,
        "int8 by token": True,
    }
    assert [one["provider"] for one in document["refused"]] == ["elsewhere"]


@pytest.mark.usefixtures("gpu_provider")
def test_the_table_fits_eighty_columns_and_says_all_that_matters(small_folder: Path) -> None:
    result = invoke("--model", str(small_folder), *SMALL_TEXT)
    assert result.exit_code == 0, result.output
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "…" not in result.stdout
    # In a pipe progress is lines, on the error stream.
    assert any(line.endswith(": 512 bytes") for line in result.stderr.splitlines())
    words = " ".join(result.stdout.split())
    assert "reads 512 bytes" in words
    assert "* read the first 128 bytes alone, where float32 needs" in words
    assert "elsewhere does not serve cpu: it is for cuda" in words
    same = "exact block FP8, exact MXFP8 and int8 by token"
    assert f"The SHA-256 of {same} are those of every machine" in words
    assert "Those of float32, bfloat16, block FP8 and MXFP8 are this machine's, since" in words
    runs = "native on cpu and reference on cpu"
    assert f"block FP8, MXFP8 and int8 by token: {runs} are identical in every code" in words
    assert "exact block FP8 and exact MXFP8: native on cpu alone, nothing to compare" in words


def test_a_device_is_named_where_it_is_another(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    int8 = FORMATS[-1]
    # The widest rows that a GPU's table has.
    variants = [Variant(FLOAT32, CPU)] + [
        Variant(int8, torch.device(place), provider, whole=False)
        for place in ("cpu:0", "cpu")
        for provider in ("native", "reference")
    ]
    monkeypatch.setattr(evaluation_module, "available_variants", lambda _: variants)
    result = invoke("--model", str(small_folder), *SMALL_TEXT)
    assert result.exit_code == 0, result.output
    assert "reference on cpu*" in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "…" not in result.stdout
    # In a pipe progress is lines, on the error stream.
    assert any(line.endswith(": 512 bytes") for line in result.stderr.splitlines())
    words = " ".join(result.stdout.split())
    runs = "native on cpu, reference on cpu, native on cpu and reference on cpu"
    assert f"int8 by token: {runs} are identical" in words


@pytest.mark.parametrize("numbers", ["MXFP8", "int8 by token"])
def test_a_difference_ends_in_status_one(
    numbers: str, small_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How differences are found is for test_evaluate.py.
    monkeypatch.setattr(Comparison, "identical", property(lambda one: one.numbers != numbers))
    result = invoke("--model", str(small_folder), *SMALL_TEXT)
    assert result.exit_code == 1
    words = " ".join(result.stdout.split())
    assert f"{numbers}: native on cpu and reference on cpu are DIFFERENT" in words
    notes = words[words.index("The SHA-256 of") : words.index("another order elsewhere")]
    assert numbers not in notes.replace(f"exact {numbers}", "")


def test_in_a_narrow_terminal_no_figure_is_cut(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    result = invoke("--model", str(small_folder), *SMALL_TEXT)
    assert result.exit_code == 0, result.output
    assert "…" not in result.stdout
    # In a pipe progress is lines, on the error stream.
    assert any(line.endswith(": 512 bytes") for line in result.stderr.splitlines())
    assert max(map(len, result.stdout.splitlines())) <= 60


def test_the_plot_is_a_picture(small_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "evaluation.png"
    result = invoke("--model", str(small_folder), *SMALL_TEXT, "--plot", str(path))
    assert result.exit_code == 0, result.output
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.width > 1000
        colours = picture.convert("RGB").getcolors(1 << 24)
    assert colours is not None
    # The colours of what is not quantised, quantised, and the same everywhere.
    assert {(127, 127, 127), (217, 140, 63), (47, 111, 171)} <= {colour for _, colour in colours}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--device", "tpu"), "device 'tpu' was asked for; here are cpu"),
        (("--bytes", "20"), "20 bytes were asked for, and a window has 64; ask for 64"),
        (("--plot", "somewhere.doc"), "cannot be written to somewhere.doc; end its name with"),
        (("--plot", "no/such/folder.png"), "there is no folder no/such; make it"),
        (("--model", "nowhere"), "config.json: there is no such file; train it again"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_remedy(
    small_folder: Path, arguments: tuple[str, str], reason: str
) -> None:
    result = invoke("--model", str(small_folder), *SMALL_TEXT, *arguments)
    assert result.exit_code == 2
    assert reason in " ".join(result.stderr.split())
    assert not result.stdout


def test_help_imports_neither_torch_nor_matplotlib() -> None:
    script = (
        "import sys; from opparity.command_line import application\n"
        "try: application(['evaluate', '--help'])\n"
        "except SystemExit: print(*sorted({'torch', 'numpy', 'matplotlib'} & set(sys.modules)))"
    )
    completed = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert "--plot" in completed.stdout
    assert completed.stdout.splitlines()[-1] == ""
