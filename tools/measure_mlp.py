"""Time a gated MLP: python tools/measure_mlp.py [--device cpu] [--tokens 1 64] [--hidden 4096].

Prints tokens per second of one MLP in bfloat16 (eager and compiled), in block FP8 with the
activation and its quantisation in torch's operations, in those compiled, in two operators of ours
and in one, and in int8, with the sums of its products scaled by torch's operations and by the
operators that read them, and the SHA-256 of the int8 MLP's result, which is the same on every
machine and by both ways. All ways have their turn in each round; the median counts.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import time
from statistics import median
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from opparity import Quantized, quantize, silu_and_mul
from opparity.nn import BlockFP8Linear, Int8Linear, Int8SwiGLU, SwiGLU
from opparity.nn.products.int8 import exact_product

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from opparity.nn import QuantizedLinear

    Way = Callable[[Tensor], Tensor]
    Codes = Callable[[Tensor], tuple[Tensor, Tensor]]

_ROUNDS = 7
_SECONDS = 0.05
_GROUP, _LARGEST, _LEAST = 128, 448.0, 1e-10


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--tokens", type=int, nargs="*", default=[1, 16, 64, 1024, 8192])
    parser.add_argument("--hidden", type=int, default=4096)
    parser.add_argument("--inner", type=int, default=12288)
    options = parser.parse_args()
    ways = _ways(options.hidden, options.inner, options.device)
    print(
        f"{_name(options.device)}, torch {torch.__version__}, {options.hidden} x {options.inner}\n"
    )
    print("| tokens |" + "".join(f" {name} |" for name in ways) + " SHA-256 of int8 |")
    print("| ---: |" + " ---: |" * len(ways) + " --- |")
    for tokens in options.tokens:
        input = _uniform(torch.Generator().manual_seed(1), tokens, options.hidden)
        print(_line(ways, input.to(options.device)), flush=True)


def _name(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"{torch.get_num_threads()} threads of a CPU"


def _uniform(drawn: torch.Generator, *shape: int) -> Tensor:
    """Return numbers from -1 to 1, the same on every machine."""
    return (2 * torch.rand(shape, generator=drawn) - 1).bfloat16()


def _weight(drawn: torch.Generator, rows: int, columns: int) -> Tensor:
    # A power of two: CUDA divides by other numbers with another rounding.
    return _uniform(drawn, rows, columns) * 2.0 ** -round(math.log2(columns) / 2)


def _ways(hidden: int, inner: int, device: str) -> dict[str, Way]:
    drawn = torch.Generator().manual_seed(0)
    gate, up = (_weight(drawn, inner, hidden).to(device) for _ in range(2))
    down = _weight(drawn, hidden, inner).to(device)
    gate_up = torch.cat((gate, up))
    block, int8 = (
        kind(
            linear.stack([linear.from_weight(gate), linear.from_weight(up)]),
            linear.from_weight(down),
        )
        for kind, linear in ((SwiGLU, BlockFP8Linear), (Int8SwiGLU, Int8Linear))
    )

    def plain(input: Tensor) -> Tensor:
        first, second = functional.linear(input, gate_up).chunk(2, -1)
        return functional.linear(functional.silu(first) * second, down)

    def apart(input: Tensor) -> Tensor:
        product: Tensor = silu_and_mul(block.gate_up(input))
        return block.down(product)  # type: ignore[no-any-return]

    def by(codes_of: Codes, activated: Codes) -> Way:
        def way(input: Tensor) -> Tensor:
            product = block.gate_up(Quantized(*codes_of(input), recipe))
            return block.down(Quantized(*activated(product), recipe))  # type: ignore[no-any-return]

        return way

    recipe = block.down.activations
    compiled = (torch.compile(of, dynamic=True) for of in (_codes, _codes_of_product))

    def scaled_apart(input: Tensor) -> Tensor:
        product = _scaled(int8.gate_up, quantize(input, "int8_token"))
        return _scaled(int8.down, silu_and_mul(product, "int8_token"))

    return {
        "bfloat16": plain,
        "bfloat16 compiled": torch.compile(plain, dynamic=True),
        "FP8 blocks, eager": by(_codes, _codes_of_product),
        "FP8 blocks, compiled": by(*compiled),
        "FP8 blocks, apart": apart,
        "FP8 blocks": block,
        "int8, sums scaled apart": scaled_apart,
        "int8": int8,
    }


def _codes(input: Tensor) -> tuple[Tensor, Tensor]:
    """Return FP8 values and scales by groups of 128, in operations of torch."""
    groups = input.float().unflatten(-1, (-1, _GROUP))
    scales = groups.abs().amax(-1).clamp(min=_LEAST) / _LARGEST
    values = (groups * (1 / scales).unsqueeze(-1)).clamp(-_LARGEST, _LARGEST).flatten(-2)
    return values.to(torch.float8_e4m3fn), scales.t().contiguous().t()


def _codes_of_product(both: Tensor) -> tuple[Tensor, Tensor]:
    gate, up = both.chunk(2, -1)
    return _codes(functional.silu(gate) * up)


def _scaled(linear: QuantizedLinear, input: Quantized) -> Tensor:
    """Return an int8 layer's result by two of torch's operations on the sums."""
    sums = exact_product(input.values, linear.weight)
    found = torch.empty(sums.shape, dtype=linear.dtype, device=sums.device)
    return torch.mul(sums * input.scales, linear.weight_scales.t(), out=found)


@torch.inference_mode()
def _line(ways: dict[str, Way], input: Tensor) -> str:
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way(input)
    for _ in range(_ROUNDS):
        for name, way in ways.items():
            times[name].append(seconds_of(way, input))
    tokens = input.shape[0]
    found = ways["int8"](input)
    if not torch.equal(found, ways["int8, sums scaled apart"](input)):
        raise SystemExit(f"both ways of int8 differ with {tokens} tokens")
    digest = hashlib.sha256(found.cpu().view(torch.uint8).numpy().tobytes())
    speeds = "".join(f" {tokens / median(found):,.0f} |" for found in times.values())
    return f"| {tokens} |{speeds} `{digest.hexdigest()[:16]}` |"


def seconds_of(way: Way, input: Tensor) -> float:
    """Return the seconds of a call, the device's own waiting included."""
    _wait(input)
    started = time.perf_counter()
    calls = 0
    while calls == 0 or time.perf_counter() - started < _SECONDS:
        way(input)
        calls += 1
        if input.is_cuda and calls % 8 == 0:
            _wait(input)
    _wait(input)
    return (time.perf_counter() - started) / calls


def _wait(input: Tensor) -> None:
    if input.is_cuda:
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
