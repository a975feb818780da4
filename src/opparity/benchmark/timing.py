"""How calls are timed: in turns, and the median counts."""

from __future__ import annotations

import functools
import gc
import time
from statistics import median
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opparity.benchmark.workload import Call

ROUNDS = 9
# More than the L2 cache of any GPU of today holds (H100: 50 MB, B200: 126 MB).
FLUSH_BYTES = 400_000_000
# A graph holds as many calls as move so many bytes: then the first call's buffers have left the
# cache when the last one runs, and a graph of small calls is long against the clock's step.
GRAPH_BYTES = 400_000_000
FEWEST_CALLS, MOST_CALLS = 4, 200
EAGER_CALLS = 3000


def calls_of_a_graph(moved_bytes: int) -> int:
    """Return how many calls a graph holds."""
    return max(FEWEST_CALLS, min(MOST_CALLS, GRAPH_BYTES // max(1, moved_bytes)))


def in_turns(ways: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, float]:
    """Return each way's median over rounds that run all ways, in one order and then the other.

    A first round warms up and does not count. What a way returns is its duration.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name in sorted(ways, reverse=bool(number % 2)):
            duration = ways[name]()
            if number:
                times[name].append(duration)
    return {name: median(durations) for name, durations in times.items()}


def microseconds_of(
    ways: Mapping[str, Call], device: str, moved_bytes: int, rounds_on_a_cpu: int = ROUNDS
) -> dict[str, float]:
    """Return each way's microseconds a call: on a GPU in a graph, on a CPU one call a round."""
    if device == "cpu":
        called = {n: functools.partial(processor_microseconds, w) for n, w in ways.items()}
        return in_turns(called, rounds_on_a_cpu)
    timer, count = GraphTimer(), calls_of_a_graph(moved_bytes)
    graphs = {name: capture(way, count) for name, way in ways.items()}
    replayed = {
        name: functools.partial(timer.microseconds, graph, count) for name, graph in graphs.items()
    }
    return in_turns(replayed)


def capture(call: Call, count: int) -> torch.cuda.CUDAGraph:
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


class GraphTimer:
    """Times graphs on the current GPU, with inputs in memory and not in the cache."""

    def __init__(self) -> None:
        self.flush = torch.zeros(FLUSH_BYTES // 4, device="cuda")

    def microseconds(self, graph: torch.cuda.CUDAGraph, count: int) -> float:
        """Replay a graph of `count` calls once and return the time of one."""
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        # Reading evicts the buffers and leaves nothing to be written back.
        self.flush.sum()
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        return float(begin.elapsed_time(end)) * 1000 / count


def host_microseconds(call: Call, count: int = EAGER_CALLS) -> float:
    """Return the host's time for one call, the GPU's work not awaited: the median of five runs."""
    for _ in range(count // 10):
        call(0)
    runs = []
    for _ in range(5):
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(count):
            call(0)
        runs.append((time.perf_counter() - start) / count * 1e6)
    torch.cuda.synchronize()
    return median(runs)


def processor_microseconds(call: Call) -> float:
    """Call once and return the time."""
    start = time.perf_counter()
    call(0)
    return (time.perf_counter() - start) * 1e6
