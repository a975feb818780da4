from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from opparity.checker.results.configuration import (
    Configuration,
    ConfigurationRefused,
    read_configuration,
)
from opparity.checker.tree.contents import Tree

if TYPE_CHECKING:
    from collections.abc import Mapping


def configuration(files: Mapping[str, str]) -> Configuration | None:
    return read_configuration(Tree("x", {path: text.encode() for path, text in files.items()}))


SETTINGS = """
platforms = ["rocm", "cuda:9.0"]
select = ["BLD"]
ignore = ["BLD005"]
exclude = ["third_party/"]
per-file-ignores = {"tests/**" = ["CAL"], "csrc/old.cu" = []}
baseline = "accepted.json"
strict = true
"""


def test_both_files_say_the_same_thing_the_same_way() -> None:
    expected = Configuration(
        platforms=("rocm", "cuda:9.0"),
        select=("BLD",),
        ignore=("BLD005",),
        exclude=("third_party/",),
        per_file_ignores=(("tests/**", ("CAL",)), ("csrc/old.cu", ())),
        baseline="accepted.json",
        strict=True,
    )
    assert configuration({"opparity.toml": SETTINGS}) == expected
    assert configuration({"pyproject.toml": f"[tool.opparity]\n{SETTINGS}"}) == expected


def test_a_project_without_settings_has_none() -> None:
    assert configuration({}) is None
    assert configuration({"pyproject.toml": "[tool.ruff]\nx = 1"}) is None
    assert configuration({"pyproject.toml": "tool = 3"}) is None
    assert configuration({"opparity.toml": ""}) == Configuration()


def test_settings_in_both_files_are_refused() -> None:
    with pytest.raises(ConfigurationRefused, match="keep one of them"):
        configuration({"opparity.toml": "", "pyproject.toml": "[tool.opparity]"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'platfroms = ["rocm"]',
            r"unknown key 'platfroms'; did you mean 'platforms'\? allowed: pla",
        ),
        ("nothing_like_it = 1", "unknown key 'nothing_like_it'; allowed: platforms, select"),
        ('platforms = "rocm"', "platforms = 'rocm' must be a list of strings"),
        ("platforms = [1]", "must be a list of strings"),
        ("strict = 1", "strict = 1 must be true or false"),
        ("baseline = []", "must be a string"),
        ("platforms = [", "no valid TOML"),
        ("a = " + "[" * 5000, "no valid TOML|nested too deep"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_allowed(text: str, said: str) -> None:
    with pytest.raises(ConfigurationRefused, match=said):
        configuration({"opparity.toml": text})
    with pytest.raises(ConfigurationRefused, match=said):
        configuration({"pyproject.toml": f"[tool.opparity]\n{text}"})
