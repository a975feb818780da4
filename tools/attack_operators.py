"""Attacks every operator of the tables with random calls, most of them with something wrong.

`make attack CALLS=10000000 SEED=0`; the same seed makes the same calls. tests/attack says what has
to hold of each. Calls run in processes of their own, so that one that ends its process is told and
the next ones run; these take turns with the kernels for each capability of the CPU.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import torch  # noqa: E402 -- what follows needs the path

from attack.campaign import Result, by_native, describe, run, without  # noqa: E402
from attack.judge import Attack  # noqa: E402
from opparity.errors import CapabilityUnknown  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.sharedctypes import Synchronized

CALLS_OF_A_PROCESS = 50_000
CAPABILITIES = ("avx512", "avx2", "baseline")
# How a process ends that is asked for kernels which this processor cannot run.
_UNKNOWN = 3
# A call takes less than a millisecond; one that takes this long hangs.
SECONDS_OF_A_CALL = 300
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Part:
    """Calls of one process."""

    seed: int
    first: int
    count: int
    share: float
    capability: str
    threads: int


def main() -> None:
    """Run all calls, or one; end with status 1 where something does not hold."""
    options = _options()
    if options.call is not None:
        sys.exit(_again(options.seed, options.call))
    total, begun = Result(), time.monotonic()
    parts = list(_parts(options))
    print(f"seed {options.seed}, {options.calls:,} calls, {len(parts)} processes", flush=True)
    with ThreadPoolExecutor(options.jobs) as pool:
        for done, result in enumerate(pool.map(_in_a_process, parts), 1):
            total.add(result)
            print("".join(f"{finding}\n" for finding in result.findings), end="")
            minutes = (time.monotonic() - begun) / 60
            print(f"{done}/{len(parts)}, {minutes:.1f} min: {total}", flush=True)
    if options.calls >= CALLS_OF_A_PROCESS and (never := without(total.answered)):
        print(f"never answered: {', '.join(never)}")
        sys.exit(1)
    sys.exit(total.outcomes["wrong"] > 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--call", type=int, help="make this call of the seed alone, and show it")
    parser.add_argument("--compared", type=float, default=0.03, help="share of calls")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


def _again(seed: int, number: int) -> bool:
    """Show a call and make it; whatever it was compared with before, it is compared."""
    attack = Attack(seed, 1.0)
    print(describe(attack.plan(number), seed, number, "to be made"), flush=True)
    with by_native():
        verdict = attack.run(number)
    print(f"{verdict.outcome}; {verdict.wrong or 'nothing wrong'}")
    return bool(verdict.wrong)


def _parts(options: argparse.Namespace) -> Iterator[Part]:
    allowed = [name for name in CAPABILITIES if _runs_here(name)]
    for number, first in enumerate(range(0, options.calls, CALLS_OF_A_PROCESS)):
        count = min(CALLS_OF_A_PROCESS, options.calls - first)
        capability = allowed[number % len(allowed)]
        threads = 1 + number // len(allowed) % 2
        yield Part(options.seed, first, count, options.compared, capability, threads)


def _runs_here(capability: str) -> bool:
    process = _SPAWN.Process(target=_load, args=(capability,))
    process.start()
    process.join()
    if process.exitcode not in (0, _UNKNOWN):
        sys.exit(f"the kernels for {capability} cannot be loaded (exit code {process.exitcode})")
    return process.exitcode == 0


def _load(capability: str) -> None:
    os.environ["OPPARITY_CPU_CAPABILITY"] = capability
    try:
        with by_native():
            pass
    except CapabilityUnknown:
        sys.exit(_UNKNOWN)


def _in_a_process(part: Part) -> Result:
    """Run calls in a process; where a call ends it or hangs, tell it and go on behind it."""
    total, first, end = Result(), part.first, part.first + part.count
    while first < end:
        at = _SPAWN.Value("q", first, lock=False)
        ours, theirs = _SPAWN.Pipe(duplex=False)
        rest = Part(part.seed, first, end - first, part.share, part.capability, part.threads)
        process = _SPAWN.Process(target=_work, args=(rest, at, theirs))
        process.start()
        theirs.close()
        result, is_whole = _wait(process, at, ours)
        total.add(result)
        if is_whole:
            return total
        number = int(at.value)
        total.add(_ended(part.seed, number, process.exitcode))
        total.outcomes["calls"] += number - first
        first = number + 1
    return total


def _wait(
    process: multiprocessing.process.BaseProcess, at: Synchronized[int], ours: Connection
) -> tuple[Result, bool]:
    """Return what a process tells, and whether that is all.

    Where it ended before, or hung and was ended, it is what had been found until then.
    """
    told, number, since = Result(), at.value, time.monotonic()
    while True:
        if ours.poll(1):
            try:
                message = ours.recv()
            except (EOFError, OSError):
                process.join()
                return told, False
            if isinstance(message, Result):
                process.join()
                return message, True
            told.outcomes["wrong"] += 1
            told.findings.append(message)
        elif at.value != number:
            number, since = at.value, time.monotonic()
        elif time.monotonic() - since > SECONDS_OF_A_CALL:
            process.kill()


def _ended(seed: int, number: int, exitcode: int | None) -> Result:
    result = Result()
    result.outcomes["calls"] = result.outcomes["wrong"] = 1
    plan = Attack(seed, 0).plan(number)
    what = f"ended its process, or hung (exit code {exitcode})"
    result.findings.append(describe(plan, seed, number, what))
    return result


def _work(part: Part, at: Synchronized[int], theirs: Connection) -> None:
    os.environ["OPPARITY_CPU_CAPABILITY"] = part.capability
    torch.set_num_threads(part.threads)
    tell = partial(setattr, at, "value")
    theirs.send(run(part.seed, part.first, part.count, part.share, tell, theirs.send))


if __name__ == "__main__":
    main()
