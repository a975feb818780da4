"""Time every launch shape of a CUDA kernel: python tools/measure_launches.py [TOKENSxWIDTH ...].

Needs an NVIDIA GPU. The thresholds of cuda_launch.h of silu_and_mul_per_block_quant are read off
this table: microseconds a call in a CUDA graph, bfloat16 to float8_e4m3fn, groups of 128. "chosen"
is what the operator itself takes.
"""

from __future__ import annotations

import argparse
import ctypes
from functools import partial
from typing import TYPE_CHECKING

import torch

import opparity
from opparity.benchmark import timing
from opparity.code_objects.manifest import FOLDER
from opparity.operators.silu_and_mul_per_block_quant.workloads import Shape, ShapeBuffers

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (
    *("1x7168", "64x7168", "64x18432", "128x7168", "256x7168", "1024x2048", "128x18432"),
    *("512x7168", "256x18432", "1024x7168", "4096x2048", "4096x7168"),
)
# name -> elements and threads of a block, as in cuda_launch.h; the last counts rows in the grid.
SHAPES = {"Large": (16, 256), "Medium": (8, 256), "Small": (4, 128)}
PROGRAMMATIC_SERIALIZATION = 6


class Arguments(ctypes.Structure):
    """The kernel's one parameter, as in cuda_launch.h."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("input", "out", "scales", "scale_bound")),
        *((name, ctypes.c_int64) for name in ("input_row", "out_row", "token", "group")),
        *((name, ctypes.c_uint32) for name in ("row_pieces", "pieces", "multiplier", "shift")),
    )


class Attribute(ctypes.Structure):
    """CUlaunchAttribute."""

    _fields_ = (
        ("id", ctypes.c_int),
        ("padding", ctypes.c_int),
        ("value", ctypes.c_int),
        ("rest", ctypes.c_char * 60),
    )


class Configuration(ctypes.Structure):
    """CUlaunchConfig."""

    _fields_ = (
        *((name, ctypes.c_uint) for name in ("gx", "gy", "gz", "bx", "by", "bz", "shared")),
        ("stream", ctypes.c_void_p),
        ("attributes", ctypes.POINTER(Attribute)),
        ("count", ctypes.c_uint),
    )


class Kernels:
    """The kernels of the package's fatbin."""

    def __init__(self) -> None:
        torch.zeros(1, device="cuda")
        self.driver = ctypes.CDLL("libcuda.so.1")
        data = (FOLDER / "silu_and_mul_per_block_quant.fatbin").read_bytes()
        self.module = ctypes.c_void_p()
        self.check(self.driver.cuModuleLoadData(ctypes.byref(self.module), data))
        self.functions = {}
        for name in SHAPES:
            function = ctypes.c_void_p()
            symbol = f"BFloat16_Float8E4M3FN_exact_128_{name}".encode()
            self.check(self.driver.cuModuleGetFunction(ctypes.byref(function), self.module, symbol))
            self.functions[name] = function

    def launch(self, name: str, buffers: ShapeBuffers, *, overlaps: bool, number: int) -> None:
        """Launch one shape on a call's buffers."""
        out, input, scales = buffers.out[number], buffers.inputs[number], buffers.scales[number]
        elements, threads = SHAPES[name]
        num_tokens, hidden_size = out.shape
        row = hidden_size // elements
        pieces = row if name == "Small" else num_tokens * row
        shift = (row - 1).bit_length() - 1
        arguments = Arguments(
            *(input.data_ptr(), out.data_ptr(), scales.data_ptr(), None),
            *(2 * input.stride(0), out.stride(0), scales.stride(0), scales.stride(1)),
            *(row, pieces, -(-(1 << (32 + shift)) // row), shift),
        )
        attribute = Attribute(PROGRAMMATIC_SERIALIZATION, 0, 1, b"")
        configuration = Configuration(
            *(-(-pieces // threads), num_tokens if name == "Small" else 1, 1),
            *(threads, 1, 1, 0),
            torch.cuda.current_stream().cuda_stream,
            ctypes.pointer(attribute),
            int(overlaps),
        )
        parameters = (ctypes.c_void_p * 1)(ctypes.addressof(arguments))
        self.check(
            self.driver.cuLaunchKernelEx(
                ctypes.byref(configuration), self.functions[name], parameters, None
            )
        )

    @staticmethod
    def check(result: int) -> None:
        """Raise for a driver error."""
        if result:
            detail = f"CUDA driver error {result}"
            raise RuntimeError(detail)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=SIZES, metavar="TOKENSxWIDTH")
    sizes = parser.parse_args().sizes
    opparity.load()
    kernels, timer = Kernels(), timing.GraphTimer()
    overlapping = torch.cuda.get_device_capability() >= (9, 0)
    ways = [(name, overlaps) for name in SHAPES for overlaps in {False, overlapping}]
    titles = [f"{name}{', overlapping' if overlaps else ''}" for name, overlaps in ways]
    print(f"{torch.cuda.get_device_name()}\n")
    print("| tokens x width | chosen | " + " | ".join(titles) + " |")
    print("| --- | ---: |" + " ---: |" * len(titles))
    for size in sizes:
        num_tokens, hidden_size = map(int, size.split("x"))
        shape = Shape(num_tokens, hidden_size)
        count = timing.calls_of_a_graph(shape.moved_bytes)
        buffers = shape.make(torch.device("cuda"), count)
        calls: dict[str, Callable[[int], object]] = {"chosen": buffers.operator}
        for title, (name, overlaps) in zip(titles, ways, strict=True):
            calls[title] = partial(_launch, kernels, name, buffers, overlaps)
        graphs = {title: timing.capture(call, count) for title, call in calls.items()}
        times = timing.in_turns(
            {title: partial(timer.microseconds, graph, count) for title, graph in graphs.items()}
        )
        cells = [f"{times[title]:.2f}" for title in ("chosen", *titles)]
        print(f"| {size} | " + " | ".join(cells) + " |", flush=True)


def _launch(
    kernels: Kernels, name: str, buffers: ShapeBuffers, overlaps: bool, number: int
) -> None:
    kernels.launch(name, buffers, overlaps=overlaps, number=number)


if __name__ == "__main__":
    main()
