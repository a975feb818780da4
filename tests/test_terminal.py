"""What is printed for people has texts as they are, whatever a library takes for markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from opparity import doctor
from opparity.command_line import application
from opparity.doctor import Examination, Row

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Return what `doctor` prints where a reason is a text."""

    def examine(text: str) -> str:
        found = Examination(
            {"opparity": "0"}, (text,), text, (), (Row("cpu", "x", "refused", text),)
        )
        monkeypatch.setattr(doctor, "examine", lambda: found)
        result = CliRunner().invoke(application, ["doctor"])
        assert result.exit_code == 0, result.output
        return result.output

    return examine


@pytest.mark.parametrize(
    "text", ["opparity[operators]", "[/x]", "[bold]x[/bold]", ":smile:", "[link=x]y"]
)
def test_doctor_says_what_stands_in_brackets(examined: Callable[[str], str], text: str) -> None:
    assert examined(text).count(text) == 3


def test_doctor_counts_operators_and_lists_them_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    names = tuple(f"operator_{number}" for number in range(88))
    found = Examination({"opparity": "0"}, (), "", names, ())
    monkeypatch.setattr(doctor, "examine", lambda: found)
    short = CliRunner().invoke(application, ["doctor"]).output
    assert "operators: 88 by name; `opparity doctor --operators` lists them\n" in short
    assert "operator_0" not in short
    whole = CliRunner().invoke(application, ["doctor", "--operators"]).output
    assert whole.split("operators: ")[1].split("\n\n")[0].replace(",", " ").split() == [*names]
