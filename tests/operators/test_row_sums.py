"""The order of sums over a row, and its error."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import pad

from opparity.operators import numerics
from opparity.operators.reference.rows import (
    inverse_root_mean_square,
    square_root,
    sum_of_squares,
)

HEADER = Path(__file__).parents[2] / "src" / "opparity" / "native" / "contract" / "rows.h"
UNIT = 2.0**-24
# docs/numerics.md, section 9.
DISTANCES = (1, 2, 4, 1024, 512, 256, 8, 16, 32, 64, 128)


def rounded(exact: Fraction) -> np.float32:
    """Round a number of ordinary size to float32, ties to even."""
    near = np.float32(float(exact))
    around = [near, np.nextafter(near, np.float32(0)), np.nextafter(near, np.float32(np.inf))]
    return min(around, key=lambda x: (abs(Fraction(float(x)) - exact), int(x.view(np.uint32)) & 1))


def sum_by_definition(row: np.ndarray) -> np.float32:
    """Return the sum of a row's squares, accumulator by accumulator and distance by distance."""
    total = np.zeros(2048, np.float32)
    for place, element in enumerate(row):
        x, held = Fraction(float(element)), Fraction(float(total[place % 2048]))
        total[place % 2048] = rounded(x * x + held)
    for distance in DISTANCES:
        total = total + total[np.arange(2048) ^ distance]
    assert len(set(total.tolist())) == 1
    return np.float32(total[0])


@pytest.mark.parametrize("width", [1, 2, 5, 8, 100, 255, 257, 512, 1000, 2048, 2049, 5000])
def test_the_reference_adds_in_the_order_of_the_contract(width: int) -> None:
    rows = torch.ldexp(torch.randn(2, width), torch.randint(-6, 6, (2, width)))
    expected = [[float(sum_by_definition(row))] for row in rows.numpy()]
    assert sum_of_squares(rows).tolist() == expected


def test_what_a_row_lacks_counts_as_zero() -> None:
    for width in (1, 3, 31, 200, 256, 300, 1025, 2047, 4095):
        rows = torch.randn(3, width)
        longer = pad(rows, (0, 4096 - width))
        assert torch.equal(sum_of_squares(rows), sum_of_squares(longer))


def test_other_rows_and_their_number_change_nothing() -> None:
    rows = torch.randn(64, 777)
    apart = torch.cat([sum_of_squares(row[None]) for row in rows])
    assert torch.equal(sum_of_squares(rows), apart)


@pytest.mark.parametrize("width", [1, 7, 128, 2048, 2304, 7168, 65_536])
def test_the_error_is_within_its_bound(width: int) -> None:
    count = max(1, (1 << 20) // width)
    for spread in (0, 10):
        rows = torch.randn(count, width)
        rows = torch.ldexp(rows, torch.randint(-spread, spread + 1, rows.shape))
        exact = rows.double().square().sum(dim=1, keepdim=True)
        error = ((sum_of_squares(rows).double() - exact).abs() / exact).max() / UNIT
        bound = -(-width // 2048) + 11
        # The bound is the worst case; at random the error stays far below.
        assert error <= min(bound, 4.5)
        epsilon = torch.tensor(1e-6)
        root = 1 / (exact / width + epsilon.double()).sqrt()
        found = inverse_root_mean_square(rows, epsilon).double()
        assert ((found - root).abs() / root).max() / UNIT <= min((bound + 6) / 2, 4.5)


def test_the_references_root_is_correctly_rounded() -> None:
    # Every mantissa with an even and an odd exponent, and random numbers.
    for first in (0x3F000000, 0x3F800000):
        bits = torch.arange(first, first + (1 << 23), dtype=torch.int32)
        numbers = bits.view(torch.float32)
        assert np.array_equal(square_root(numbers).numpy(), np.sqrt(numbers.numpy()))


def test_special_numbers_stay_what_they_are() -> None:
    nan, infinity = float("nan"), float("inf")
    row = torch.ones(5, 3000)
    row[1, 2999], row[2, 5], row[3], row[4] = nan, -infinity, 1e-30, 1e25
    sums = sum_of_squares(row).flatten()
    assert sums[0] == 3000
    assert sums[1].isnan()
    # A square below the least number is zero, one above the largest is infinity.
    assert sums[2:].tolist() == [infinity, 0.0, infinity]
    factors = inverse_root_mean_square(row, torch.tensor(0.25)).flatten()
    assert factors[1].isnan()
    assert factors[2:].tolist() == [0.0, 2.0, 0.0]


def test_cpp_has_the_same_constants() -> None:
    found = dict(re.findall(r"constexpr int (kRow\w+) = (\d+);", HEADER.read_text("utf-8")))
    assert found == {
        "kRowAccumulators": str(numerics.ROW_ACCUMULATORS),
        "kRowNeighbours": str(numerics.ROW_NEIGHBOURS),
        "kRowLanes": str(numerics.ROW_LANES),
    }
