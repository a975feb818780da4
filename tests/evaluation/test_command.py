from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from opparity.command_line import application
from opparity.evaluation import evaluate as evaluation_module
from opparity.evaluation.variants import BFLOAT16, fused, fused_step
from opparity.operators import IMPLEMENTATIONS, selection
from opparity.operators.declaration import Implementation
from opparity.platforms import Platform

if TYPE_CHECKING:
    import torch

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
    assert document["schema_version"] == 1
    assert document["identical"] is True
    assert document["window"] == 64
    names = [(one["mlps"], one["provider"]) for one in document["variants"]]
    assert names == [
        ("bfloat16", None),
        ("unfused FP8", None),
        ("fused FP8", "native"),
        ("fused FP8", "reference"),
    ]
    assert [one["tokens"] for one in document["variants"]] == [512, 512, 512, 128]
    assert [one["provider"] for one in document["refused"]] == ["elsewhere"]


@pytest.mark.usefixtures("gpu_provider")
def test_the_table_fits_eighty_columns_and_says_all_that_matters(small_folder: Path) -> None:
    result = invoke("--model", str(small_folder), *SMALL_TEXT)
    assert result.exit_code == 0, result.output
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "…" not in result.stdout
    words = " ".join(result.stdout.split())
    assert "reads 512 bytes" in words
    assert "* reference is slow: it read the first 128 bytes alone" in words
    assert "elsewhere does not serve cpu: it is for cuda" in words
    assert "native, reference: identical in every value, scale and logit" in words


def test_a_difference_ends_in_status_one(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(gate_up: torch.Tensor) -> tuple[torch.Tensor, ...]:
        values, scales = fused_step(gate_up)
        return values, scales * (1 + 2**-23)

    variants = [BFLOAT16, fused("native"), fused("native", step=broken)]
    monkeypatch.setattr(evaluation_module, "available_variants", lambda _: variants)
    result = invoke("--model", str(small_folder), *SMALL_TEXT)
    assert result.exit_code == 1
    assert "DIFFERENT" in result.stdout


def test_the_plot_is_a_picture(small_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "evaluation.png"
    result = invoke("--model", str(small_folder), *SMALL_TEXT, "--plot", str(path))
    assert result.exit_code == 0, result.output
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.width > 1000
        colours = picture.convert("RGB").getcolors(1 << 24)
    assert colours is not None
    # The colours of the three kinds of MLPs.
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
