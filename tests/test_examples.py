from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
# What examples/README.md says that a file prints.
PRINTED = dict(
    re.findall(
        r"^```console\n\$ python examples/(\w+\.py)\n(.*?)^```$",
        (ROOT / "examples" / "README.md").read_text("utf-8"),
        re.DOTALL | re.MULTILINE,
    )
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_prints_what_the_page_says(example: Path) -> None:
    completed = subprocess.run(
        [sys.executable, "-W", "error", str(example)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout == PRINTED[example.name]


def test_each_example_of_the_page_is_there() -> None:
    assert EXAMPLES
    assert sorted(PRINTED) == [example.name for example in EXAMPLES]
