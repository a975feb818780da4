"""Time silu_and_mul_per_block_quant on an NVIDIA GPU: python benchmarks/gpu.py [--quick].

Needs nvcc on PATH for the speed-of-light bar. Prints a Markdown table of microseconds a call.

Each figure is the median of interleaved replays of a CUDA graph. A graph holds as many calls as
make 400 MB, at most 200, each on its own buffers, and the L2 cache is flushed before each replay:
so inputs come from memory, and launch costs are those inside a graph. `copy` moves the same number
of bytes, half of them read; `light` is benchmarks/speed_of_light.cu.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import torch

import opparity

if TYPE_CHECKING:
    from collections.abc import Callable

PROVIDERS = ("native", "triton")
FLUSH_BYTES = 200 << 20
GRAPH_BYTES = 400_000_000


@dataclass(frozen=True)
class Shape:
    """One row of the table."""

    num_tokens: int
    hidden_size: int
    group_size: int = 128
    transposed: bool = False
    input_dtype: torch.dtype = torch.bfloat16
    value_dtype: torch.dtype = torch.float8_e4m3fn
    intermediate: str = "float32"

    @property
    def moved_bytes(self) -> int:
        """The bytes that the operator must read and write."""
        scales = 4 * self.hidden_size // self.group_size
        return self.num_tokens * (5 * self.hidden_size + scales)

    def words(self) -> str:
        """The row's first cells."""
        parts = [f"group {self.group_size}", str(self.input_dtype)[6:], str(self.value_dtype)[6:]]
        parts += ["by groups"] if self.transposed else []
        parts += [self.intermediate] if self.intermediate != "float32" else []
        return f"| {self.num_tokens} x {self.hidden_size} | {', '.join(parts)} "


class SpeedOfLight:
    """The bar's kernel, compiled and loaded here."""

    def __init__(self) -> None:
        major, minor = torch.cuda.get_device_capability()
        with tempfile.TemporaryDirectory() as folder:
            cubin = Path(folder, "light.cubin")
            source = Path(__file__).parent / "speed_of_light.cu"
            subprocess.run(
                ["nvcc", "-O3", f"-arch=sm_{major}{minor}", "-cubin", "-o", cubin, source],  # noqa: S607
                check=True,
            )
            data = cubin.read_bytes()
        self.driver = ctypes.CDLL("libcuda.so.1")
        module, self.function = ctypes.c_void_p(), ctypes.c_void_p()
        self.check(self.driver.cuModuleLoadData(ctypes.byref(module), data))
        self.check(
            self.driver.cuModuleGetFunction(ctypes.byref(self.function), module, b"speed_of_light")
        )

    def __call__(self, out: torch.Tensor, input: torch.Tensor, scales: torch.Tensor) -> None:
        """Launch it; scales is [num_tokens, num_groups] with any strides."""
        num_tokens, hidden_size = out.shape
        pieces = num_tokens * hidden_size // 16
        group_pieces = hidden_size // scales.shape[1] // 16
        values = [
            ctypes.c_void_p(input.data_ptr()),
            ctypes.c_void_p(out.data_ptr()),
            ctypes.c_void_p(scales.data_ptr()),
            ctypes.c_uint32(pieces),
            ctypes.c_uint32(hidden_size // 16),
            ctypes.c_uint32(group_pieces),
            ctypes.c_int64(scales.stride(0)),
            ctypes.c_int64(scales.stride(1)),
        ]
        pointers = (ctypes.c_void_p * len(values))(*(ctypes.addressof(v) for v in values))
        stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
        grid = -(-pieces // 256)
        self.check(
            self.driver.cuLaunchKernel(
                self.function, grid, 1, 1, 256, 1, 1, 0, stream, pointers, None
            )
        )

    @staticmethod
    def check(result: int) -> None:
        """Raise for a driver error."""
        if result:
            raise RuntimeError(f"CUDA driver error {result}")


def capture(call: Callable[[int], None], count: int) -> torch.cuda.CUDAGraph:
    """Return a graph of `count` calls, each with its number."""
    call(0)
    torch.cuda.synchronize()
    # A graph that Python destroys while another is being captured would end that capture.
    gc.collect()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for number in range(count):
            call(number)
    return graph


def measure(shape: Shape, light: SpeedOfLight, flush: torch.Tensor) -> dict[str, float]:
    """Return microseconds a call: of the copy, of the bar and of each provider."""
    count = max(4, min(200, GRAPH_BYTES // shape.moved_bytes))
    base = torch.randn(shape.num_tokens, 2 * shape.hidden_size, device="cuda").mul_(2)
    inputs = [base.to(shape.input_dtype) for _ in range(count)]
    num_groups = shape.hidden_size // shape.group_size
    layout = (shape.num_tokens, num_groups)
    outs = [
        torch.empty(shape.num_tokens, shape.hidden_size, dtype=shape.value_dtype, device="cuda")
        for _ in range(count)
    ]
    memory = [
        torch.empty(layout[::-1] if shape.transposed else layout, device="cuda")
        for _ in range(count)
    ]
    views = [scales.t() if shape.transposed else scales for scales in memory]
    halves = [
        torch.empty(2, shape.moved_bytes // 32 * 16, dtype=torch.uint8, device="cuda")
        for _ in range(count)
    ]
    operator = torch.ops.opparity.silu_and_mul_per_block_quant.intermediate

    def call(number: int) -> None:
        operator(
            outs[number],
            inputs[number],
            memory[number],
            shape.group_size,
            None,
            shape.transposed,
            shape.intermediate,
        )

    def copy(number: int) -> None:
        halves[number][1].copy_(halves[number][0])

    def bar(number: int) -> None:
        light(outs[number], inputs[number], views[number])

    graphs = {"copy": capture(copy, count), "light": capture(bar, count)}
    for provider in PROVIDERS:
        with opparity.providers(force=provider):
            graphs[provider] = capture(call, count)
    times: dict[str, list[tuple[torch.cuda.Event, torch.cuda.Event]]] = {n: [] for n in graphs}
    for round_number in range(10):
        for name in sorted(graphs, reverse=bool(round_number % 2)):
            # Reading evicts the buffers and leaves nothing to be written back.
            flush.sum()
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            graphs[name].replay()
            end.record()
            if round_number:
                times[name].append((begin, end))
    torch.cuda.synchronize()
    return {
        name: median(begin.elapsed_time(end) for begin, end in pairs) * 1000 / count
        for name, pairs in times.items()
    }


def eager_microseconds(call: Callable[[], object], count: int = 5000) -> float:
    """Return the host's time for a call, the median of five runs."""
    for _ in range(300):
        call()
    runs = []
    for _ in range(5):
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(count):
            call()
        runs.append((time.perf_counter() - start) / count * 1e6)
    torch.cuda.synchronize()
    return median(runs)


def shapes(*, quick: bool) -> list[Shape]:
    """Return the rows."""
    if quick:
        return [Shape(num_tokens, 7168) for num_tokens in (1, 64, 1024, 16384)]
    rows = [
        Shape(num_tokens, hidden_size)
        for hidden_size in (7168, 2048, 14336, 18432)
        for num_tokens in (1, 16, 64, 256, 1024, 4096, 16384)
    ]
    variants: list[dict[str, object]] = [
        {"group_size": 64},
        {"transposed": True},
        {"group_size": 64, "transposed": True},
        {"group_size": 32},
        {"input_dtype": torch.float16},
        {"value_dtype": torch.int8},
        {"value_dtype": torch.float8_e4m3fnuz},
        {"intermediate": "input_dtype"},
    ]
    return rows + [
        Shape(num_tokens, 7168, **variant)  # type: ignore[arg-type]
        for variant in variants
        for num_tokens in (64, 1024, 4096, 16384)
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    opparity.load()
    # torch first: it makes the context that the bar's kernel is loaded into.
    flush = torch.zeros(FLUSH_BYTES // 4, device="cuda")
    light = SpeedOfLight()
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}\n")
    print("| tokens x width | | copy | light | native | / light | / copy | triton | / light |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for shape in shapes(quick=quick):
        took = measure(shape, light, flush)
        native, triton = took["native"], took["triton"]
        print(
            f"{shape.words()}| {took['copy']:.2f} | {took['light']:.2f} | {native:.2f} "
            f"| {native / took['light']:.3f} | {native / took['copy']:.3f} "
            f"| {triton:.2f} | {triton / took['light']:.3f} |",
            flush=True,
        )
    input = torch.randn(64, 2 * 7168, device="cuda").bfloat16()
    out = torch.empty(64, 7168, dtype=torch.float8_e4m3fn, device="cuda")
    scales = torch.empty(64, 56, device="cuda")
    operator = torch.ops.opparity.silu_and_mul_per_block_quant.default
    with torch.inference_mode():
        for provider in PROVIDERS:
            with opparity.providers(force=provider):
                took_eager = eager_microseconds(lambda: operator(out, input, scales, 128))
            print(f"\neager call, 64 x 7168, {provider}: {took_eager:.2f} us")


if __name__ == "__main__":
    main()
