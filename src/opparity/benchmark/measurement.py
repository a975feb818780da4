"""Every way to compute an operator, timed side by side."""

from __future__ import annotations

import platform as machine
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import torch

import opparity
from opparity.benchmark import timing
from opparity.benchmark.driver import launches_overlap
from opparity.benchmark.peers import Peer, difference
from opparity.benchmark.speed_of_light import SpeedOfLight
from opparity.benchmark.speed_of_light import refusal as light_refusal
from opparity.operators import torch_build
from opparity.operators.selection import Refused, decisions, providers
from opparity.threads import limited_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opparity.benchmark.workload import Buffers, Call, Workload

COPY, LIGHT, OVERLAPPING_LIGHT = "copy", "light", "light, overlapping"
BARS = (COPY, LIGHT, OVERLAPPING_LIGHT)
# Slow on purpose: the specification, written to be read.
_UNHURRIED = frozenset({"reference"})
# It makes some thirty passes over memory: timed where that takes a moment.
_UNHURRIED_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One workload's times.

    Attributes:
        microseconds: way -> time of one call; in a graph on a GPU.
        host_microseconds: way -> the host's time for an eager call; empty on the CPU and in rows
            without baselines.
        differences: peer -> how far its output is from Opparity's.
        threads: of the CPU; 0 on a GPU.
    """

    name: str
    variant: str
    moved_bytes: int
    microseconds: Mapping[str, float]
    host_microseconds: Mapping[str, float] = field(default_factory=dict)
    differences: Mapping[str, str] = field(default_factory=dict)
    threads: int = 0


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run.

    Attributes:
        refused: way -> why it was not timed.
        implementations: providers that were timed, in order of preference.
        peers: names of the peers that were timed.
    """

    device: str
    versions: Mapping[str, str]
    rows: Sequence[Row]
    refused: Mapping[str, str]
    implementations: Sequence[str]
    peers: Sequence[str]


@dataclass(frozen=True, slots=True)
class Ways:
    """Who takes part in a run."""

    implementations: list[str]
    peers: list[Peer]
    refused: dict[str, str]


def measure(
    workloads: Sequence[Workload],
    device_type: str,
    *,
    peers: Sequence[Peer],
    refused: Mapping[str, str],
    progress: Callable[[str], None],
    threads: Sequence[int] = (1, 2),
) -> Measurement:
    """Time rows.

    Args:
        workloads: the rows.
        device_type: "cpu" or "cuda"; torch calls AMD's GPUs cuda too.
        peers: to time as well.
        refused: peers that cannot be timed, and why.
        progress: told what is being run.
        threads: of the CPU, one table each.
    """
    opparity.load()
    ways = _ways(device_type, peers, refused)
    rows: list[Row] = []
    if device_type == "cpu":
        for count in threads:
            for workload in workloads:
                progress(f"{workload.name}, {workload.variant}, {count} threads")
                rows.append(_on_the_processor(workload, ways, count))
    else:
        reason = light_refusal()
        if reason is not None:
            ways.refused[LIGHT] = reason
        timer = timing.GraphTimer()
        for workload in workloads:
            progress(f"{workload.name}, {workload.variant}")
            light = SpeedOfLight(workload) if reason is None else None
            rows.append(_on_a_gpu(workload, ways, timer, light))
    return Measurement(
        device=_device(device_type),
        versions={"opparity": opparity.__version__, "torch": str(torch.__version__)},
        rows=rows,
        refused=ways.refused,
        implementations=ways.implementations,
        peers=[peer.name for peer in ways.peers],
    )


def _device(device_type: str) -> str:
    if device_type == "cpu":
        capability = torch.ops.opparity.cpu_capability()
        return f"{machine.machine()} CPU, {capability} kernels"
    return str(torch.cuda.get_device_name())


def _ways(device_type: str, peers: Sequence[Peer], refused: Mapping[str, str]) -> Ways:
    platform = torch_build.platform_of(device_type)
    ways = Ways([], list(peers), dict(refused))
    for decision in decisions(platform):
        provider = decision.implementation.provider
        if isinstance(decision, Refused):
            ways.refused[provider] = decision.reason
            continue
        absent = torch_build.no_device(platform)
        if absent is None:
            ways.implementations.append(provider)
        else:
            ways.refused[provider] = absent
    return ways


def _checked_peers(ways: Ways, buffers: Buffers) -> tuple[dict[str, Call], dict[str, str]]:
    """Return the peers that run on these buffers, and how far each is from Opparity."""
    buffers.restore_residual(0)
    buffers.operator(0)
    ours = {name: tensor.clone() for name, tensor in buffers.outputs(0).items()}
    calls: dict[str, Call] = {}
    differences = {}
    for peer in ways.peers:
        buffers.restore_residual(0)
        try:
            buffers.peer(peer.function, 0)
        except Exception as error:  # noqa: BLE001 -- somebody else's code: said, and left out
            differences[peer.name] = f"failed: {type(error).__name__}: {error}"[:200]
            continue
        differences[peer.name] = difference(ours, buffers.outputs(0)).words()
        calls[peer.name] = partial(buffers.peer, peer.function)
    return calls, differences


def _is_timed(provider: str, workload: Workload) -> bool:
    is_short = workload.has_baselines and workload.moved_bytes < _UNHURRIED_BYTES
    return provider not in _UNHURRIED or is_short


@dataclass(slots=True)
class _Graphs:
    """Each way's calls in a CUDA graph, and how many they are."""

    # A graph has addresses alone: the call keeps the tensors behind them.
    captured: dict[str, tuple[torch.cuda.CUDAGraph, int, Call]] = field(default_factory=dict)

    def add(self, way: str, call: Call, count: int) -> None:
        """Capture so many calls of a way."""
        self.captured[way] = timing.capture(call, count), count, call

    def microseconds(self, timer: timing.GraphTimer) -> dict[str, float]:
        """Return each way's time of a call."""
        return timing.in_turns(
            {
                way: partial(timer.microseconds, graph, count)
                for way, (graph, count, _) in self.captured.items()
            }
        )


def _on_a_gpu(
    workload: Workload, ways: Ways, timer: timing.GraphTimer, light: SpeedOfLight | None
) -> Row:
    count = timing.calls_of_a_graph(workload.moved_bytes)
    buffers = workload.make(torch.device("cuda"), count)
    graphs = _Graphs()
    _add_bars(graphs, workload, buffers, count, light)
    calls, differences = _checked_peers(ways, buffers)
    for name, call in calls.items():
        graphs.add(name, call, count)
    timed = [provider for provider in ways.implementations if _is_timed(provider, workload)]
    for provider in timed:
        with providers(force=provider):
            few = timing.FEWEST_CALLS if provider in _UNHURRIED else count
            graphs.add(provider, buffers.operator, few)
    if workload.has_baselines:
        for name, call in buffers.baselines().items():
            graphs.add(name, call, timing.FEWEST_CALLS)
    return Row(
        workload.name,
        workload.variant,
        workload.moved_bytes,
        graphs.microseconds(timer),
        host_microseconds=_hosted(timed, buffers) if workload.has_baselines else {},
        differences=differences,
    )


def _add_bars(
    graphs: _Graphs, workload: Workload, buffers: Buffers, count: int, light: SpeedOfLight | None
) -> None:
    half = workload.moved_bytes // 32 * 16
    halves = [torch.empty(2, half, dtype=torch.uint8, device="cuda") for _ in range(count)]
    graphs.add(COPY, lambda number: halves[number][1].copy_(halves[number][0]), count)
    if light is None:
        return
    for bar in (LIGHT, OVERLAPPING_LIGHT) if launches_overlap() else (LIGHT,):
        graphs.add(bar, partial(light.launch, buffers, overlaps=bar == OVERLAPPING_LIGHT), count)


def _hosted(timed: Sequence[str], buffers: Buffers) -> dict[str, float]:
    """Return the host's microseconds for an eager call of each way."""
    hosted = {}
    tiny = torch.zeros(1, device="cuda")
    with torch.inference_mode():
        for provider in timed:
            if provider not in _UNHURRIED:
                with providers(force=provider):
                    hosted[provider] = timing.host_microseconds(buffers.operator)
                    hosted[f"{provider}, allocating"] = timing.host_microseconds(buffers.allocating)
                    nothing = timing.host_microseconds(buffers.without_work)
                    hosted[f"{provider} without work"] = nothing
        hosted["torch's zero_ of one number"] = timing.host_microseconds(lambda _: tiny.zero_())
    return hosted


def _on_the_processor(workload: Workload, ways: Ways, threads: int) -> Row:
    buffers = workload.make(torch.device("cpu"), 1)
    with limited_threads(threads):
        calls, differences = _checked_peers(ways, buffers)
        timers = {
            name: partial(timing.processor_microseconds, call)
            for name, call in {**calls, **buffers.baselines()}.items()
        }
        for provider in ways.implementations:
            if not _is_timed(provider, workload):
                continue
            timers[provider] = partial(_forced_microseconds, provider, buffers)
        source, target = torch.empty(2, workload.moved_bytes // 2, dtype=torch.uint8)
        timers[COPY] = partial(timing.processor_microseconds, lambda _: target.copy_(source))
        times = timing.in_turns(timers)
    return Row(
        workload.name,
        workload.variant,
        workload.moved_bytes,
        times,
        differences=differences,
        threads=threads,
    )


def _forced_microseconds(provider: str, buffers: Buffers) -> float:
    with providers(force=provider):
        return timing.processor_microseconds(buffers.operator)
