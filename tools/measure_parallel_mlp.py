"""Time a gated MLP on two GPUs beside one: python tools/measure_parallel_mlp.py [--tokens 1 64].

Prints microseconds of a call of SwiGLU and Int8SwiGLU on one GPU, and of ParallelSwiGLU over NCCL
with whole tokens and with shared ones, and how far their results are from one GPU's. Each way has
its turn in each round; the median of the slower process counts.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import sys
import tempfile
import time
from multiprocessing.connection import wait
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist

from opparity.nn import BlockFP8Linear, Int8Linear, Int8SwiGLU, SwiGLU
from opparity.nn.parallel import ParallelSwiGLU

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Way = Callable[[], Tensor]

_GPUS = 2
_ROUNDS = 9
_CALLS = 40
_SECONDS_BEHIND_THE_FIRST = 30
_KINDS = {"FP8 blocks": (SwiGLU, BlockFP8Linear), "int8": (Int8SwiGLU, Int8Linear)}


def main() -> None:
    """Start a process for each GPU."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, nargs="*", default=[1, 64, 1024, 8192])
    parser.add_argument("--hidden", type=int, default=4096)
    parser.add_argument("--inner", type=int, default=12288)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        meeting = (Path(folder) / "meeting").as_uri()
        start = multiprocessing.get_context("spawn").Process
        started = [start(target=_measure, args=(rank, meeting, options)) for rank in range(_GPUS)]
        for process in started:
            process.start()
        # One that failed leaves the other waiting for NCCL's own limit.
        wait([process.sentinel for process in started])
        for process in started:
            process.join(_SECONDS_BEHIND_THE_FIRST)
            process.terminate()
            process.join()
    sys.exit(any(process.exitcode for process in started))


def _measure(rank: int, meeting: str, options: argparse.Namespace) -> None:
    torch.cuda.set_device(rank)
    torch.set_default_device(f"cuda:{rank}")
    dist.init_process_group("nccl", init_method=meeting, rank=rank, world_size=_GPUS)
    if rank == 0:
        print(
            f"{_GPUS} x {torch.cuda.get_device_name()}, torch {torch.__version__}, NCCL "
            f"{'.'.join(map(str, torch.cuda.nccl.version()))}, {options.hidden} x {options.inner}\n"
        )
        print("| kind | tokens | one GPU | two | shared tokens | largest difference |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for kind in _KINDS:
        mlp = _mlp(kind, options.hidden, options.inner)
        ways = {sequence: ParallelSwiGLU(mlp, sequence=sequence) for sequence in (False, True)}
        for tokens in options.tokens:
            _print_line(rank, kind, mlp, ways, _numbers(tokens, options.hidden, seed=1))
    dist.destroy_process_group()


def _numbers(rows: int, columns: int, *, seed: int) -> Tensor:
    drawn = torch.Generator("cpu").manual_seed(seed)
    numbers = 2 * torch.rand(rows, columns, generator=drawn, device="cpu") - 1
    return numbers.bfloat16().cuda()


def _mlp(kind: str, hidden: int, inner: int) -> SwiGLU:
    made, linear = _KINDS[kind]
    step = 2.0 ** -round(math.log2(hidden) / 2)
    gate, up = (_numbers(inner, hidden, seed=seed) * step for seed in (2, 3))
    down = _numbers(hidden, inner, seed=4) * step
    return made(
        linear.stack([linear.from_weight(gate), linear.from_weight(up)]), linear.from_weight(down)
    )


@torch.inference_mode()
def _print_line(
    rank: int, kind: str, mlp: SwiGLU, parallel: dict[bool, ParallelSwiGLU], input: Tensor
) -> None:
    tokens = input.shape[0]
    ways: dict[str, Way] = {"one": lambda: mlp(input), "two": lambda: parallel[False](input)}
    if tokens % _GPUS == 0:
        mine = input.chunk(_GPUS)[rank]
        ways["shared"] = lambda: parallel[True](mine)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(_ROUNDS + 1):
        for name, way in ways.items():
            times[name].append(_microseconds(rank, way, alone=name == "one"))
    cells = [f"{median(found[1:]):,.0f}" for found in times.values()]
    cells += ["cannot be shared"] * (3 - len(cells))
    whole = mlp(input)
    difference = (parallel[False](input).float() - whole.float()).abs().max() / whole.abs().max()
    if rank == 0:
        print(f"| {kind} | {tokens} | {' | '.join(cells)} | {difference:.1e} |", flush=True)


def _microseconds(rank: int, way: Way, *, alone: bool) -> float:
    """Return the time of a call, the longer one of both processes."""
    dist.barrier()
    torch.cuda.synchronize()
    started = time.perf_counter()
    if rank == 0 or not alone:
        for _ in range(_CALLS):
            way()
    torch.cuda.synchronize()
    took = torch.tensor((time.perf_counter() - started) / _CALLS * 1e6)
    dist.all_reduce(took, dist.ReduceOp.MAX)
    return took.item()


if __name__ == "__main__":
    main()
