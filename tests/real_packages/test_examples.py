"""Examples that have to do with another package print with it what their page says."""

from __future__ import annotations

import re

import pytest

from opparity.integrations.kernels.folder import KERNELS
from real_packages.packages import FOLDER, REPOSITORY, run, transformers

PAGE = (REPOSITORY / "examples/README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("example", "paths", "first"),
    [
        ("sglang_experts.py", [str(FOLDER / "sglang")], "SGLang 0.5.23"),
        ("transformers_fuse.py", transformers("5.20.2"), "transformers 5.20.2"),
        ("transformers_fuse.py", transformers("5.24.0"), "transformers 5.24.0"),
        ("kernels_folder.py", [], "loaded by kernels"),
    ],
)
def test_an_example_prints_the_same_but_for_its_first_line(
    example: str, paths: list[str], first: str
) -> None:
    told = re.search(rf"^\$ python examples/{example}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert told
    _, *expected = told[1].splitlines()
    ended = run(paths, f"examples/{example}", HF_HUB_OFFLINE="1")
    assert ended.status == 0, ended.said
    assert ended.after(first) == ""
    lines = ended.said.splitlines()
    assert lines[lines.index(first) + 1 :] == expected


def test_the_page_names_the_versions() -> None:
    assert f"With kernels {KERNELS} installed" in PAGE
    assert "with SGLang 0.5.23 installed" in PAGE
    assert "with transformers 5.20.2 and 5.24.0 installed" in PAGE
