"""Draw docs/speed.svg, the README's picture, from docs/benchmarks.md: python tools/draw_speed.py.

`--check` writes nothing and ends with status 1 where the picture is not current.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
PICTURE = ROOT / "docs" / "speed.svg"
SIZE = "4096 x 7168"
# Rows of the page's two tables of this size, and what the picture calls them.
SHOWN = {
    "quantize, fp8_block, bfloat16": "quantize",
    "silu_and_mul, fp8_block, bfloat16": "SiLU",
    "silu_and_mul_with_clamp, fp8_block, bfloat16": "SiLU with a limit",
    "silu_and_mul, mxfp8, bfloat16": "SiLU to MXFP8",
    "silu_and_mul, deepgemm, bfloat16": "SiLU for DeepGEMM",
    "silu_and_mul, nvfp4, bfloat16": "SiLU to NVFP4",
    "swigluoai_and_mul, fp8_block, bfloat16": "SwiGLU-OAI",
    "gelu_tanh_and_mul, fp8_block, bfloat16": "GELU by tanh",
    "gelu_and_mul, fp8_block, bfloat16": "GELU by erf",
    "relu_squared, fp8_block, bfloat16": "squared ReLU",
    "gelu_quick, fp8_block, bfloat16": "quick GELU",
    "situ_and_mul, fp8_block, bfloat16": "SiTU",
    "add_rms_norm fp8_token": "residual, RMSNorm, by token",
    "rms_norm fp8_token": "RMSNorm, by token",
    "rms_norm fp8_block": "RMSNorm",
    "silu_and_mul fp8_block experts": "SiLU of experts' rows",
}
_LEFT, _RIGHT, _TOP, _STEP, _WIDTH = 210, 560, 62, 22, 640
_LOWEST, _HIGHEST = 0.9, 1.4
_STYLE = """
  .ground { fill: #ffffff; stroke: #d0d7de; }
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; }
  .quiet { fill: #59636e; }
  .line { stroke: #d0d7de; }
  .copy { stroke: #59636e; stroke-dasharray: 4 3; }
  .stem { stroke: #0969da; stroke-width: 3; }
  .dot { fill: #0969da; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; stroke: #3d444d; }
    text { fill: #f0f6fc; }
    .quiet { fill: #9198a1; }
    .line { stroke: #3d444d; }
    .copy { stroke: #9198a1; }
    .stem { stroke: #4493f8; }
    .dot { fill: #4493f8; }
  }
"""


class Row(NamedTuple):
    """A line of the picture: its label, and the time as a multiple of a copy's."""

    label: str
    ratio: float


def rows() -> list[Row]:
    """Return the lines, the quickest first.

    Raises:
        SystemExit: the page has no such row any more.
    """
    found: dict[str, float] = {}
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if SIZE not in cells[:2] or not re.fullmatch(r"[\d.]+", cells[-1]):
            continue
        name = cells[1] if cells[0] == SIZE else cells[0]
        # One table ends with the ratio to a copy, the other with that to `light` behind it.
        found.setdefault(name, float(cells[-2] if cells[0] == SIZE else cells[-1]))
    missing = [name for name in SHOWN if name not in found]
    if missing:
        raise SystemExit(f"{PAGE} has no row {missing[0]} at {SIZE}; see SHOWN")
    return sorted(
        (Row(label, found[name]) for name, label in SHOWN.items()), key=lambda row: row.ratio
    )


def _x(ratio: float) -> float:
    return _LEFT + (ratio - _LOWEST) / (_HIGHEST - _LOWEST) * (_RIGHT - _LEFT)


def _line(kind: str, start: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = start, end
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(words: str, x: float, y: float, *, anchor: str = "start", kind: str = "plain") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{kind}" {place}>{escape(words)}</text>'


def picture() -> str:
    """Return the picture, as SVG."""
    listed = rows()
    bottom = _TOP + _STEP * len(listed)
    height = bottom + 48
    title = "How long an operator takes on an H200"
    size = f'width="{_WIDTH - 1}" height="{height - 1}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{title}, as a multiple of a copy of the same bytes</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="ground" x="0.5" y="0.5" {size} rx="6"/>',
        _text(title, 16, 26, kind="title"),
        _text(f"{SIZE} bfloat16 numbers to FP8, in blocks unless it says otherwise", 16, 46),
        *_axis(bottom),
    ]
    for number, row in enumerate(listed):
        middle = _TOP + _STEP * (number + 0.5)
        end = (_x(row.ratio), middle)
        parts += [
            _text(row.label, _LEFT - 12, middle + 4.5, anchor="end"),
            _line("stem", (_x(1), middle), end),
            f'<circle class="dot" cx="{end[0]:.1f}" cy="{middle:.1f}" r="5"/>',
            _text(f"{row.ratio:.2f}", _RIGHT + 16, middle + 4.5),
        ]
    return "\n".join([*parts, "</svg>", ""])


def _axis(bottom: float) -> Iterator[str]:
    for step in range(6):
        x = _x(_LOWEST + 0.1 * step)
        yield _line("copy" if step == 1 else "line", (x, _TOP), (x, bottom))
        tick = f"{_LOWEST + 0.1 * step:.1f}"
        yield _text(tick, x, bottom + 18, anchor="middle", kind="quiet")
    middle = (_LEFT + _RIGHT) / 2
    below = "time / time of a device copy of the same bytes"
    yield _text(below, middle, bottom + 37, anchor="middle", kind="quiet")


def main() -> None:
    """Write the picture, or check it."""
    text = picture()
    if "--check" not in sys.argv:
        PICTURE.write_text(text, "utf-8")
        print(f"wrote {PICTURE}")
    elif not PICTURE.is_file() or PICTURE.read_text("utf-8") != text:
        raise SystemExit(f"{PICTURE} is not current; run python tools/draw_speed.py")


if __name__ == "__main__":
    main()
