"""Time rows, experts and columns: python tools/measure_rows.py [--device cpu] [--tokens 1 4096].

Prints, for each operator and size, its time beside that of a copy of as many bytes, and beside
torch.compile's of the same expression on a CPU: in turns, and medians, as `opparity benchmark`
does. Buffers are rotated, so that none is found in a GPU's cache.
"""

from __future__ import annotations

import argparse
import functools
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional

import opparity
from opparity.benchmark import timing
from opparity.operators.gradients import backward_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from opparity.benchmark.workload import Call

_BYTES_OF_A_ROTATION = 200_000_000
_MOST_BUFFERS = 64
# On a CPU a round is one call, on a GPU a graph of many.
_ROUNDS_OF_CALLS = 51
_EXPERTS = 32


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--tokens", type=int, nargs="*", default=[1, 16, 64, 256, 1024, 4096])
    parser.add_argument("--widths", type=int, nargs="*", default=[7168])
    parser.add_argument("--only", default="", help="of which operators: a part of their names")
    options = parser.parse_args()
    print("| operator | size | us | copy | ratio | torch.compile | ratio |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for width in options.widths:
        for tokens in options.tokens:
            for name, row in _ROWS.items():
                if options.only in name and tokens >= row.fewest_tokens:
                    print(_line(name, tokens, width, options.device), flush=True)


def _line(name: str, tokens: int, width: int, device: str) -> str:
    row = _ROWS[name]
    bytes_moved = int(tokens * width * row.moved)
    copies = max(1, min(_MOST_BUFFERS, _BYTES_OF_A_ROTATION // bytes_moved))
    copies = copies if device == "cuda" else 1
    inputs = [torch.randn(2, tokens, 2 * width, device=device).bfloat16() for _ in range(copies)]
    weight = torch.ones(width, dtype=torch.bfloat16, device=device)
    sources = [
        torch.empty(bytes_moved // 2, dtype=torch.uint8, device=device) for _ in range(copies)
    ]
    targets = [torch.empty_like(source) for source in sources]
    ways: dict[str, Call] = {
        "ours": lambda number: row.call(inputs[number % copies], weight),
        "copy": lambda number: targets[number % copies].copy_(sources[number % copies]),
    }
    if device == "cpu" and row.compiled is not None:
        torch._dynamo.reset()  # noqa: SLF001
        fused = torch.compile(row.compiled, dynamic=False)
        ways["torch.compile"] = lambda _: fused(inputs[0], weight)
    times = timing.microseconds_of(ways, device, bytes_moved, _ROUNDS_OF_CALLS)
    ours, copy = times["ours"], times["copy"]
    text = f"| {name} | {tokens} x {width} | {ours:.2f} | {copy:.2f} | {ours / copy:.3f} |"
    if "torch.compile" not in times:
        return f"{text} | |"
    other = times["torch.compile"]
    return f"{text} {other:.2f} | {ours / other:.3f} |"


def _norm(x: Tensor) -> Tensor:
    return x[0, :, : x.shape[2] // 2]


def _residual(x: Tensor) -> Tensor:
    return x[1, :, : x.shape[2] // 2]


@functools.cache
def _experts(tokens: int, share: float, device: torch.device) -> opparity.Experts:
    counts = torch.full((_EXPERTS,), int(tokens // _EXPERTS * share), device=device)
    return opparity.Experts.masked(counts.int())


def _of_experts(x: Tensor, share: float) -> opparity.Quantized:
    experts = _experts(x.shape[1], share, x.device)
    return opparity.silu_and_mul(x[0].unflatten(0, (_EXPERTS, -1)), "fp8_block", experts=experts)


def _by_token(product: Tensor, largest: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    scale = (product.float().abs().amax(-1, keepdim=True) / largest).clamp(min=1e-7)
    codes = (product.float() * (1 / scale)).clamp(-largest, largest)
    return (codes.round() if dtype == torch.int8 else codes).to(dtype), scale


def _plain(x: Tensor, weight: Tensor) -> Tensor:
    return functional.rms_norm(x, weight.shape, weight, 1e-6)


def _backward(name: str, gradient: Tensor, x: Tensor) -> Tensor:
    return backward_of(name, gradient, x, (), interleaved=False)


def _quantised(x: Tensor, recipe: str, scale: float | None = None) -> opparity.Quantized:
    gradient = _residual(x)
    return opparity.quantize_gradient(gradient, x[0], recipe, producer="silu_and_mul", scale=scale)


def _both_ways(x: Tensor, recipe: str, intermediate: str) -> tuple[opparity.Quantized, ...]:
    gradient = _residual(x)
    return opparity.gradient_rows_and_columns(
        gradient, x[0], recipe, producer="silu_and_mul", intermediate=intermediate
    )


def _activated(x: Tensor, recipe: str, intermediate: str) -> tuple[opparity.Quantized, ...]:
    return opparity.rows_and_columns(
        x[0], recipe, producer="silu_and_mul", intermediate=intermediate
    )


class Row(NamedTuple):
    """What is timed.

    Attributes:
        call: ours, of what `_line` draws and the weight.
        compiled: the same in torch; None where it has no short spelling.
        moved: bytes that an element moves, of all rows.
        fewest_tokens: below it the row says nothing.
    """

    call: Callable[..., object]
    compiled: Callable[..., object] | None
    moved: float
    fewest_tokens: int = 1


def _with_columns() -> dict[str, Row]:
    """Return rows of what is kept in 16 bits until the columns' scales are known, and in 32."""
    rows = {}
    for recipe in ("mxfp8", "fp8_block"):
        for kept, intermediate in (("", "float32"), (", rounded", "product")):
            said = {"recipe": recipe, "intermediate": intermediate}
            name = f"{recipe}{kept}"
            rows[f"silu_and_mul rows_and_columns {name}"] = Row(
                lambda x, _, s=said: _activated(x, **s), None, 6, 256
            )
            rows[f"gradient_rows_and_columns {name}"] = Row(
                lambda x, _, s=said: _both_ways(x, **s), None, 10, 256
            )
    return rows


_ROWS: dict[str, Row] = {
    "rms_norm": Row(
        lambda x, w: opparity.rms_norm(_norm(x), w),
        lambda x, w: _plain(_norm(x), w),
        4,
    ),
    "rms_norm fp8_token": Row(
        lambda x, w: opparity.rms_norm(_norm(x), w, "fp8_token"),
        lambda x, w: _by_token(_plain(_norm(x), w), 448.0, torch.float8_e4m3fn),
        3,
    ),
    "rms_norm fp8_block": Row(
        lambda x, w: opparity.rms_norm(_norm(x), w, "fp8_block"),
        lambda x, w: _by_token(
            _plain(_norm(x), w).unflatten(-1, (-1, 128)), 448.0, torch.float8_e4m3fn
        ),
        3,
    ),
    "add_rms_norm fp8_token": Row(
        lambda x, w: opparity.add_rms_norm(_norm(x), _residual(x), w, "fp8_token"),
        lambda x, w: (
            _norm(x) + _residual(x),
            _by_token(_plain(_norm(x) + _residual(x), w), 448.0, torch.float8_e4m3fn),
        ),
        7,
    ),
    "gated_rms_norm": Row(
        lambda x, w: opparity.gated_rms_norm(_norm(x), _residual(x), w),
        lambda x, w: _plain(_norm(x), w) * functional.silu(_residual(x)),
        6,
    ),
    "quantize fp8_token": Row(
        lambda x, _: opparity.quantize(_norm(x), "fp8_token"),
        lambda x, _: _by_token(_norm(x), 448.0, torch.float8_e4m3fn),
        3,
    ),
    "silu_and_mul int8_token": Row(
        lambda x, _: opparity.silu_and_mul(x[0], "int8_token"),
        lambda x, _: _by_token(
            functional.silu(x[0].chunk(2, -1)[0]) * x[0].chunk(2, -1)[1], 127.0, torch.int8
        ),
        5,
    ),
    "silu_and_mul fp8_block experts": Row(lambda x, _: _of_experts(x, 1.0), None, 5, 256),
    "silu_and_mul fp8_block experts, 25 % valid": Row(
        lambda x, _: _of_experts(x, 0.25), None, 5 / 4, 256
    ),
    "rows_and_columns mxfp8": Row(
        lambda x, _: opparity.rows_and_columns(_norm(x), "mxfp8"), None, 4, 256
    ),
    "rows_and_columns fp8_block": Row(
        lambda x, _: opparity.rows_and_columns(_norm(x), "fp8_block"), None, 4, 256
    ),
    # Beside it, what its two kernels take one after the other.
    "silu_and_mul backward": Row(
        lambda x, _: _backward("silu_and_mul", _residual(x), x[0]), None, 10, 256
    ),
    "quantize_gradient mxfp8": Row(lambda x, _: _quantised(x, "mxfp8"), None, 8, 256),
    "quantize_gradient fp8_block": Row(lambda x, _: _quantised(x, "fp8_block"), None, 8, 256),
    "quantize_gradient nvfp4": Row(lambda x, _: _quantised(x, "nvfp4", 40.0), None, 7.1, 256),
    **_with_columns(),
    "rms_norm backward": Row(
        lambda x, w: torch.ops.opparity.rms_norm_backward(_norm(x), _residual(x), w), None, 6
    ),
}


if __name__ == "__main__":
    main()
