"""The tool that compares norms at every width sees what differs."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
import torch

TOOL = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "sweep_widths.py"))
CPU = torch.device("cpu")


def test_widths_of_every_kind_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    total = TOOL["sweep"](range(1, 1100, 61), 2, CPU, 1e9)
    assert (total.widths, total.rows, total.differing) == (19, 38, 0)
    assert total.values == 2 * sum(range(1, 1100, 61))
    assert capsys.readouterr().out == ""


def test_a_number_that_differs_is_counted_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    compare = TOOL["sweep"].__globals__["compare"]
    norm = compare.__globals__["norm"]
    calls: list[int] = []

    def flawed(*tensors: torch.Tensor, adds: bool) -> tuple[torch.Tensor, ...]:
        found = norm(*tensors, adds=adds)
        calls.append(1)
        if len(calls) == 3:
            found[-1].view(torch.uint8)[0, 0] ^= 1
        return found  # type: ignore[no-any-return]

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(compare.__globals__, "norm", flawed)
        total = TOOL["sweep"](range(7, 10), 3, CPU, 1e9)
    assert total.differing == 1
    assert capsys.readouterr().out == "width 8, 3 rows: 1 numbers differ\n"


@pytest.mark.parametrize(("width", "rows"), [(1, 39_063), (256, 39_063), (257, 13), (8193, 1)])
def test_narrow_widths_have_more_rows(width: int, rows: int) -> None:
    assert TOOL["rows_of"](width) == rows
