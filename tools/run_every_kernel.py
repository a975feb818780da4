"""Run every template of the GPU kernel, small: for compute-sanitizer.

compute-sanitizer --tool memcheck python tools/run_every_kernel.py

memcheck, racecheck, initcheck and synccheck each take a minute or two on an H200. Results are
compared with the reference as well; ends with status 1 where any byte differs.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import torch
from torch import Tensor

import opparity
from opparity.operators.selection import providers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Call = tuple[str, Callable[..., object], tuple[object, ...]]

# Elements that are few, a wave's share, and enough for tables; and rows that no wide load fits.
_SIZES = ((3, 512), (130, 4096), (520, 4096), (2080, 4096), (5, 302))
# Rows by warps, by blocks that stay, keep a row or read it again, and unaligned; 700 rows of 7168
# are several for each block that stays.
_ROWS = ((9, 512), (9, 4096), (9, 24576), (9, 302), (700, 7168))


def main() -> None:
    """Run all and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a part of the names of those to run")
    parser.add_argument("--device", default="cuda")
    options = parser.parse_args()
    opparity.load()
    wrong = 0
    with torch.device(options.device):
        for name, function, arguments in _calls():
            if options.only not in name:
                continue
            with providers(force="native"):
                found = [_bytes(tensor) for tensor in _flat(function(*arguments))]
            with providers(force="reference"):
                right = [_bytes(tensor) for tensor in _flat(function(*arguments))]
            same = all(torch.equal(a, b) for a, b in zip(found, right, strict=True))
            wrong += not same
            print(f"{name}: {'equal' if same else 'DIFFERS'}", flush=True)
    sys.exit(wrong > 0)


def _bytes(tensor: Tensor) -> Tensor:
    flat = torch.empty(tensor.shape, dtype=tensor.dtype)
    return flat.copy_(tensor).flatten().view(torch.uint8)


def _flat(found: object) -> list[Tensor]:
    if isinstance(found, Tensor):
        return [found]
    assert isinstance(found, tuple | opparity.Quantized)
    return [tensor for part in found for tensor in _flat(part)]


def _calls() -> Iterator[Call]:
    for tokens, width in _SIZES:
        x = torch.randn(tokens, 2 * width).bfloat16()
        size = f"{tokens} x {width}"
        yield f"silu_and_mul, {size}", opparity.silu_and_mul, (x, "fp8_block")
        yield f"gelu_and_mul to MXFP4, {size}", opparity.gelu_and_mul, (x, "mxfp4")
        yield f"silu_and_mul backward, {size}", _gradient, (opparity.silu_and_mul, x)
    for tokens, width in _ROWS:
        x, gate = torch.randn(2, tokens, width).bfloat16()
        weight = torch.randn(width).bfloat16()
        size = f"{tokens} x {width}"
        yield f"rms_norm by token, {size}", opparity.rms_norm, (x, weight, "fp8_token")
        added = (x, gate, weight, "fp8_block")
        yield f"add_rms_norm by groups, {size}", opparity.add_rms_norm, added
        yield f"gated_rms_norm, {size}", opparity.gated_rms_norm, (x, gate, weight)
        yield f"rms_norm backward, {size}", _gradient, (opparity.rms_norm, x, weight)
        both = torch.cat((x, gate), -1)
        yield f"silu_and_mul by token, {size}", opparity.silu_and_mul, (both, "int8_token")
    yield from _of_experts()
    yield from _of_sums()
    yield from _of_gradients()
    for width, dtype in ((520, torch.bfloat16), (302, torch.float32)):
        x = torch.randn(200, 2 * width, dtype=dtype)
        for producer in ("quantize", "silu_and_mul"):
            yield f"columns of {producer}, {width} of {dtype}", _columns, (x, producer)


def _of_experts() -> Iterator[Call]:
    for tokens, width in ((64, 512), (2080, 4096)):
        x = torch.randn(tokens, 2 * width).bfloat16()
        ends = torch.tensor([tokens // 4, tokens // 2, tokens], dtype=torch.int32)
        offsets = torch.cat((ends.new_zeros(1), ends))
        layouts = {
            "offsets": opparity.Experts.by_offsets(offsets),
            "ends": opparity.Experts.by_ends(ends, multiple=16),
        }
        layouts["offsets with weights"] = layouts["offsets"].weighted(torch.rand(tokens))
        for name, experts in layouts.items():
            for recipe in ("fp8_block", "fp8_token"):
                yield f"{recipe} of experts by {name}, {tokens}", _first, (x, recipe, experts)


def _of_sums() -> Iterator[Call]:
    for tokens, width in _SIZES:
        sums = (torch.randn(tokens, 2 * width) * 30_000).int()
        stand_for = opparity.Sums(torch.rand(tokens, 1) * 1e-3, torch.rand(2 * width, 1) * 1e-2)
        for recipe in ("int8_token", "fp8_block", None):
            name = f"silu_and_mul of sums to {recipe}, {tokens} x {width}"
            yield name, _of_given_sums, (sums, recipe, stand_for)


def _of_gradients() -> Iterator[Call]:
    for tokens, width in _SIZES:
        x, gradient = torch.randn(tokens, 2 * width).bfloat16(), torch.randn(tokens, width)
        for recipe in ("fp8_block", "mxfp8", "mxfp4"):
            name = f"gradient of silu_and_mul to {recipe}, {tokens} x {width}"
            yield name, _quantised_gradient, (gradient, x, recipe)
        yield f"columns of a gradient, {tokens} x {width}", _gradient_columns, (gradient, x)


def _quantised_gradient(gradient: Tensor, x: Tensor, recipe: str) -> object:
    # Alternating, any width has whole groups of its own.
    return opparity.quantize_gradient(
        gradient, x, recipe, producer="silu_and_mul", interleaved=x.shape[1] % 256 != 0
    )


def _gradient_columns(gradient: Tensor, x: Tensor) -> object:
    return opparity.gradient_rows_and_columns(
        gradient, x, "mxfp8", producer="silu_and_mul", interleaved=x.shape[1] % 64 != 0
    )


def _of_given_sums(sums: Tensor, recipe: str | None, stand_for: opparity.Sums) -> object:
    return opparity.silu_and_mul(sums, recipe, sums=stand_for)


def _first(x: Tensor, recipe: str, experts: opparity.Experts) -> tuple[Tensor, ...]:
    """Return the first expert's rows, which all layouts here have first."""
    found = opparity.silu_and_mul(x, recipe, experts=experts)
    return tuple(part[: x.shape[0] // 4] for part in found)


def _columns(x: Tensor, producer: str) -> object:
    return opparity.rows_and_columns(x, "mxfp8", producer=producer)


def _gradient(function: Callable[..., Tensor], x: Tensor, *others: Tensor) -> Tensor:
    wanted = x.detach().requires_grad_()
    function(wanted, *others).float().sum().backward()
    assert wanted.grad is not None
    return wanted.grad


if __name__ == "__main__":
    main()
