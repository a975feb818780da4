from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "examples" / "README.md").read_text("utf-8")
# What the page says that a file prints; the others need an engine, and `make integrations`.
PRINTED = dict(
    re.findall(
        r"^```console\n\$ python examples/(\w+\.py)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE
    )
)


@pytest.mark.parametrize("example", PRINTED)
def test_an_example_prints_what_the_page_says(example: str) -> None:
    completed = subprocess.run(
        [sys.executable, "-W", "error", f"examples/{example}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout == PRINTED[example]


def test_the_page_names_each_example() -> None:
    files = {path.name for path in (ROOT / "examples").glob("*.py")}
    assert files
    assert set(re.findall(r"^`(\w+\.py)`", PAGE, re.MULTILINE)) == files
