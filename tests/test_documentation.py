from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from opparity.operators import OPERATORS, PRODUCERS, general_name
from opparity.operators.cases import cases

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
CODE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ANY_CODE = re.compile(r"^ *(`{3,})[^\n]*\n.*?^ *\1$|(`+).+?\2", re.DOTALL | re.MULTILINE)
EXAMPLES = [
    pytest.param(block, id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    # tests/checker/rules/test_pages.py tries those of rules, and a test below those of operators.
    if page.parent.name not in {"rules", "operators"}
    for number, block in enumerate(CODE.findall(page.read_text("utf-8")))
    if "import" in block
]

PAGES_OF_PRODUCERS = {f"{general_name(producer)}.md" for producer in PRODUCERS}


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )


def test_the_pages_of_operators_are_current() -> None:
    completed = python("tools/write_operators.py", "--check")
    assert completed.returncode == 0, completed.stderr


def test_the_picture_of_speeds_is_current() -> None:
    completed = python("tools/draw_speed.py", "--check")
    assert completed.returncode == 0, completed.stderr


@pytest.mark.parametrize("page", ["README.md", "docs/commands.md"])
def test_pages_say_how_many_calls_verify_makes(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    calls = {
        int(number.replace(",", "")) for number in re.findall(r"([\d,]+) (?:cases|calls)", text)
    }
    assert calls == {len([*cases()])}
    operators = {int(number) for number in re.findall(r"(\d+) operators,", text)}
    assert operators <= {len(OPERATORS)}


def test_the_first_page_says_how_many_operators_doctor_counts() -> None:
    text = (ROOT / "docs/start-with-a-model.md").read_text("utf-8")
    names = {operator.name for operator in OPERATORS}
    assert re.findall(r"operators: (\d+) by name;", text) == [str(len(names))]


@pytest.mark.parametrize("page", ["README.md", "docs/comparison.md"])
def test_pages_say_how_many_producers_there_are(page: str) -> None:
    assert len(PRODUCERS) == 12
    assert "twelve producers" in (ROOT / page).read_text("utf-8")


def test_the_page_on_amd_says_how_many_calls_the_emulator_made() -> None:
    text = (ROOT / "docs/on-amd.md").read_text("utf-8")
    for chip in ("gfx942", "gfx1201"):
        evidence = json.loads((ROOT / f"docs/evidence/rocm-{chip}.json").read_text("utf-8"))
        assert f"{evidence['cases']:,} calls" in text
        assert chip in text


def test_the_conclusion_of_the_benchmarks_is_what_their_table_says() -> None:
    text = (ROOT / "docs/benchmarks.md").read_text("utf-8")
    conclusion, _, tables = text.partition("## How it was measured")
    _, _, table = tables.partition("## The family, 4096 x 7168")
    table, _, _ = table.partition("\n## ")
    to_light = {
        cells[2].strip(): float(cells[-2])
        for line in table.splitlines()
        if line.startswith("| 4096 x 7168")
        for cells in [line.split("|")]
    }
    exceptions = {
        "situ_and_mul, fp8_block, bfloat16": "SiTU (",
        "gelu_quick, fp8_block, bfloat16": "quick GELU (",
        "swigluoai_and_mul, fp8_block, bfloat16, interleaved": "interleaved SwiGLU-OAI (",
        "silu_and_mul, mxfp4, bfloat16": "MXFP4 and NVFP4 after SiLU (",
        "silu_and_mul, nvfp4, bfloat16": "MXFP4 and NVFP4 after SiLU (1.06 and ",
        "quantize, nvfp4, bfloat16": "NVFP4 without an activation (",
    }
    for row, words in exceptions.items():
        assert f"{words}{to_light.pop(row):.2f}" in conclusion
    least, most = min(to_light.values()), max(to_light.values())
    assert f"they take {least:.2f} to {most:.2f} times as long" in conclusion


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_run_and_print_what_their_comments_say(example: str) -> None:
    completed = python("-W", "error", "-c", example)
    assert completed.returncode == 0, completed.stderr
    said = re.findall(r"print\(.*\)  # (.*)$", example, re.MULTILINE)
    assert completed.stdout.splitlines() == said


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs/operators").glob("*.md")), ids=lambda page: page.stem
)
def test_what_an_operators_page_shows_runs_and_prints_what_its_comments_say(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = [block for block in CODE.findall(page.read_text("utf-8")) if "import" in block]
    assert blocks
    example = "\n".join(blocks)
    names: dict[str, Any] = {}
    exec(compile(example, page.name, "exec"), names)  # noqa: S102 -- our own page, block after block
    said = re.findall(r"print\(.*\)  # (.*)$", example, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == said
    if page.name in PAGES_OF_PRODUCERS:
        assert "Where a code differs, it is by one step:" in page.read_text("utf-8")
        steps = step_of(names["fused"].values) - step_of(names["values"])
        assert int(steps.abs().max()) <= 1


def step_of(values: torch.Tensor) -> torch.Tensor:
    """Return the place of each code among all, in the order of what they stand for."""
    codes = values.view(torch.uint8).int()
    return torch.where(codes < 128, codes, 128 - codes)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = ANY_CODE.sub("", page.read_text("utf-8"))
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (page.parent / target).exists(), target
