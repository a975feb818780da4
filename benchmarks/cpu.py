"""Time silu_and_mul_per_block_quant on the CPU: python benchmarks/cpu.py.

512 x 14336 bfloat16 to float8_e4m3fn, groups of 128: the native kernel, torch.compile of the plain
expression and eager torch, in turn, with one and with two threads. Medians of 15 rounds.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

import torch
from torch import Tensor

import opparity

if TYPE_CHECKING:
    from collections.abc import Callable

NUM_TOKENS, HIDDEN_SIZE, GROUP_SIZE = 512, 14336, 128
ROUNDS = 15


def plain(input: Tensor) -> tuple[Tensor, Tensor]:
    """Return values and scales as a model's own code computes them, in float32."""
    gate, up = input.float().chunk(2, dim=-1)
    groups = (torch.nn.functional.silu(gate) * up).unflatten(-1, (-1, GROUP_SIZE))
    scales = (groups.abs().amax(dim=-1) / 448.0).clamp_min(1.0 / (448.0 * 512.0))
    values = (groups / scales.unsqueeze(-1)).clamp(-448.0, 448.0).flatten(-2)
    return values.to(torch.float8_e4m3fn), scales


def main() -> None:
    """Print the table."""
    generator = torch.Generator().manual_seed(0)
    input = torch.randn(NUM_TOKENS, 2 * HIDDEN_SIZE, generator=generator).mul_(2).bfloat16()
    out = torch.empty(NUM_TOKENS, HIDDEN_SIZE, dtype=torch.float8_e4m3fn)
    scales = torch.empty(NUM_TOKENS, HIDDEN_SIZE // GROUP_SIZE)
    opparity.load()
    operator = torch.ops.opparity.silu_and_mul_per_block_quant.default
    compiled = torch.compile(plain)
    ways: dict[str, Callable[[], object]] = {
        "native": lambda: operator(out, input, scales, GROUP_SIZE),
        "torch.compile": lambda: compiled(input),
        "eager": lambda: plain(input),
    }
    print(f"torch {torch.__version__}, {torch.ops.opparity.cpu_capability()} kernels\n")
    print("| threads | way | ms | / native |")
    print("| ---: | --- | ---: | ---: |")
    for threads in (1, 2):
        torch.set_num_threads(threads)
        times: dict[str, list[float]] = {name: [] for name in ways}
        for round_number in range(ROUNDS + 1):
            for name, way in ways.items():
                start = time.perf_counter()
                way()
                if round_number:
                    times[name].append((time.perf_counter() - start) * 1000)
        native = median(times["native"])
        for name, taken in times.items():
            print(f"| {threads} | {name} | {median(taken):.1f} | {median(taken) / native:.2f} |")


if __name__ == "__main__":
    main()
