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
