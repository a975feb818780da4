from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "examples" / "README.md").read_text("utf-8")
# What torch 2.13 warns of in its own code.
WARNED = {
    "compile_pass.py": "ignore:`torch.jit.script_method` is deprecated:DeprecationWarning",
}
# What the page says that a file prints; the others need an engine, and `make integrations`.
PRINTED = dict(
    re.findall(
        r"^```console\n\$ python examples/(\w+\.py)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE
    )
)
FIGURE = re.compile(r"about ([\d.e-]+)")


@pytest.mark.parametrize("example", PRINTED)
def test_an_example_prints_what_the_page_says(example: str) -> None:
    warned = ["-W", WARNED[example]] if example in WARNED else []
    completed = subprocess.run(
        [sys.executable, "-W", "error", *warned, f"examples/{example}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert completed.returncode == 0, completed.stderr
    assert without_figures(completed.stdout) == without_figures(PRINTED[example])
    for found, told in zip(*map(FIGURE.findall, (completed.stdout, PRINTED[example])), strict=True):
        # The order of magnitude: it is the library's product of matrices that is measured.
        assert float(told) / 8 < float(found) < float(told) * 8


def without_figures(text: str) -> str:
    return FIGURE.sub("about", text)


def test_the_page_names_each_example() -> None:
    files = {path.name for path in (ROOT / "examples").glob("*.py")}
    assert files
    assert set(re.findall(r"^`(\w+\.py)`", PAGE, re.MULTILINE)) == files
