"""Time every launch shape of a CUDA kernel: python tools/measure_launches.py [TOKENSxWIDTH ...].

Needs an NVIDIA GPU. The thresholds of cuda_launch.h of silu_and_mul_per_block_quant are read off
this table: microseconds a call in a CUDA graph, bfloat16 to float8_e4m3fn, groups of 128. "chosen"
is what the operator itself takes.
"""

from __future__ import annotations

import argparse
import ctypes
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch

import opparity
from opparity.benchmark import timing
from opparity.benchmark.driver import Module, launches_overlap
from opparity.code_objects.manifest import FOLDER
from opparity.operators.silu_and_mul_per_block_quant.workloads import Shape, ShapeBuffers

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (
    *("1x7168", "64x7168", "64x18432", "128x7168", "256x7168", "1024x2048", "128x18432"),
    *("512x7168", "256x18432", "1024x7168", "4096x2048", "4096x7168"),
)
# The elements of a thread, as in cuda_launch.h; Small counts rows in the grid.
ELEMENTS = {"Large": 16, "Medium": 8, "Small": 4}
# A block may have fewer threads than the 256 that the kernels are compiled for.
THREADS = (64, 128, 256)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to launch."""

    shape: str
    threads: int
    overlaps: bool

    def __str__(self) -> str:
        return f"{self.shape} {self.threads}{'' if self.overlaps else ', plain'}"


class Arguments(ctypes.Structure):
    """The kernel's one parameter, as in cuda_launch.h."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("input", "out", "scales", "scale_bound")),
        *((name, ctypes.c_int64) for name in ("input_row", "out_row", "token", "group")),
        *((name, ctypes.c_uint32) for name in ("row_pieces", "pieces", "multiplier", "shift")),
    )


class Kernels:
    """The kernels of the package's fatbin."""

    def __init__(self) -> None:
        path = FOLDER / "silu_and_mul_per_block_quant.fatbin"
        self.module = Module(path.read_bytes())
        self.functions = {
            shape: self.module.function(f"BFloat16_Float8E4M3FN_exact_128_{shape}")
            for shape in ELEMENTS
        }

    def launch(self, way: Way, buffers: ShapeBuffers, number: int) -> None:
        """Launch one shape on a call's buffers."""
        out, input, scales = buffers.out[number], buffers.inputs[number], buffers.scales[number]
        num_tokens, hidden_size = out.shape
        row = hidden_size // ELEMENTS[way.shape]
        is_small = way.shape == "Small"
        pieces = row if is_small else num_tokens * row
        shift = (row - 1).bit_length() - 1
        arguments = Arguments(
            *(input.data_ptr(), out.data_ptr(), scales.data_ptr(), None),
            *(2 * input.stride(0), out.stride(0), scales.stride(0), scales.stride(1)),
            *(row, pieces, -(-(1 << (32 + shift)) // row), shift),
        )
        grid = (-(-pieces // way.threads), num_tokens if is_small else 1)
        function = self.functions[way.shape]
        self.module.launch(function, grid, way.threads, [arguments], overlaps=way.overlaps)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=SIZES, metavar="TOKENSxWIDTH")
    sizes = parser.parse_args().sizes
    opparity.load()
    kernels, timer = Kernels(), timing.GraphTimer()
    overlaps = launches_overlap()
    ways = [Way(shape, threads, overlaps) for shape in ELEMENTS for threads in THREADS]
    # Without overlap as well, to see what it brings.
    ways += [Way(shape, 256, overlaps=False) for shape in ELEMENTS if overlaps]
    titles = list(map(str, ways))
    print(f"{torch.cuda.get_device_name()}\n")
    print("| tokens x width | chosen | " + " | ".join(titles) + " |")
    print("| --- | ---: |" + " ---: |" * len(titles))
    for size in sizes:
        num_tokens, hidden_size = map(int, size.split("x"))
        shape = Shape(num_tokens, hidden_size)
        count = timing.calls_of_a_graph(shape.moved_bytes)
        buffers = shape.make(torch.device("cuda"), count)
        calls: dict[str, Callable[[int], object]] = {"chosen": buffers.operator}
        for way in ways:
            calls[str(way)] = partial(kernels.launch, way, buffers)
        graphs = {title: timing.capture(call, count) for title, call in calls.items()}
        times = timing.in_turns(
            {title: partial(timer.microseconds, graph, count) for title, graph in graphs.items()}
        )
        cells = [f"{times[title]:.2f}" for title in ("chosen", *titles)]
        print(f"| {size} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
