"""Compare the sums of norms at every width: python tools/sweep_widths.py [--device cpu].

Each width has rows of its own, by default as many as make 10^7 rows up to 256 wide, 10^5 up to
8,192 and 10^3 above, and at least one. RMSNorm, with a residual at every other width, is computed
by the native library and by the reference on the same device, and every byte is compared. Ends with
status 1 where one differs.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor

import opparity
from opparity.formats import INPUT_DTYPES

# Up to which width how many rows there are in all.
ROWS = ((256, 10**7), (8192, 10**5), (65536, 10**3))
_MOST_ELEMENTS = 1 << 27
_BITS = {2: torch.int16, 4: torch.int32}
# Bit patterns at one width in so many: infinities and NaN are among them.
_PATTERNS = 5


@dataclass(slots=True)
class Total:
    """What was compared."""

    widths: int = 0
    rows: int = 0
    values: int = 0
    differing: int = 0


def rows_of(width: int) -> int:
    """Return how many rows a width has."""
    narrowest = 1
    for widest, rows in ROWS:
        if width <= widest:
            return math.ceil(rows / (widest - narrowest + 1))
        narrowest = widest + 1
    raise ValueError(f"width is {width}; allowed: 1 to {ROWS[-1][0]}")


def make(width: int, rows: int, number: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return an input, a residual and a weight: numbers of many sizes, or any bit patterns."""
    dtype = getattr(torch, INPUT_DTYPES[width % len(INPUT_DTYPES)])
    draw = torch.Generator(device).manual_seed(width * 1_000_003 + number)
    shape = (2, rows, width)
    if width % _PATTERNS == 0:
        integers = _BITS[dtype.itemsize]
        limits = torch.iinfo(integers)
        found = torch.randint(
            limits.min, limits.max, shape, generator=draw, dtype=integers, device=device
        ).view(dtype)
    else:
        sizes = torch.randint(-8, 8, (2, rows, 1), generator=draw, device=device)
        found = (torch.randn(shape, generator=draw, device=device) * sizes.exp2()).to(dtype)
    weight = torch.randn(width, generator=draw, device=device).to(dtype)
    return found[0], found[1], weight


def norm(input: Tensor, residual: Tensor, weight: Tensor, *, adds: bool) -> tuple[Tensor, ...]:
    """Return the norm, and of a sum the sum as well."""
    if adds:
        return opparity.add_rms_norm(input, residual, weight)
    return (opparity.rms_norm(input, weight),)


def compare(width: int, rows: int, number: int, device: torch.device) -> int:
    """Return in how many numbers the two differ."""
    tensors = make(width, rows, number, device)
    adds = width % 2 == 0
    with opparity.providers(force="native"):
        native = norm(*tensors, adds=adds)
    with opparity.providers(force="reference"):
        expected = norm(*tensors, adds=adds)
    bits = _BITS[tensors[0].dtype.itemsize]
    return sum(
        int((one.view(bits) != other.view(bits)).sum())
        for one, other in zip(native, expected, strict=True)
    )


def sweep(widths: range, rows: int | None, device: torch.device, seconds: float) -> Total:
    """Compare every width of a range until the time is up, and say what differs."""
    total, began = Total(), time.monotonic()
    for width in widths:
        if time.monotonic() - began > seconds:
            print(f"the time was up before width {width}")
            break
        left, most = rows or rows_of(width), max(1, _MOST_ELEMENTS // width)
        total.widths += 1
        for number, first in enumerate(range(0, left, most)):
            part = min(left - first, most)
            differing = compare(width, part, number, device)
            total.rows += part
            total.values += part * width
            if differing:
                total.differing += differing
                print(f"width {width}, {part} rows: {differing} numbers differ")
    return total


def main() -> None:
    """Sweep, and print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--first", type=int, default=1, help="the first width")
    parser.add_argument("--last", type=int, default=ROWS[-1][0], help="the last width")
    parser.add_argument("--step", type=int, default=1, help="from a width to the next one")
    parser.add_argument("--rows", type=int, help="of each width, instead of the usual number")
    parser.add_argument("--seconds", type=float, default=math.inf, help="to stop after")
    options = parser.parse_args()
    opparity.load()
    total = sweep(
        range(options.first, options.last + 1, options.step),
        options.rows,
        torch.device(options.device),
        options.seconds,
    )
    print(
        f"{total.widths:,} widths, {total.rows:,} rows, {total.values:,} numbers on "
        f"{options.device}: {total.differing:,} differ"
    )
    raise SystemExit(1 if total.differing else 0)


if __name__ == "__main__":
    main()
