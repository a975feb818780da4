from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from opparity.operators import OPERATORS
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
    exec(compile(example, page.name, "exec"), {})  # noqa: S102 -- our own page, block after block
    said = re.findall(r"print\(.*\)  # (.*)$", example, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == said


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = ANY_CODE.sub("", page.read_text("utf-8"))
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (page.parent / target).exists(), target
