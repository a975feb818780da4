"""Run every producer with every recipe and layout here: python tools/collect_evidence.py NAME.

Each is compared with the reference on the CPU, byte for byte, on three inputs: rows that fill wide
loads, short last groups, and rows of odd widths. What is equal is written to
docs/evidence/NAME.json, which docs/operators.md is made from. Ends with status 1 where any differs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import torch

import evidence
import opparity
from opparity.operators import OPERATORS, general_name, producer_named, torch_build
from opparity.operators.case import Case
from opparity.operators.case_calls import call
from opparity.operators.fillings import Filling
from opparity.operators.selection import providers
from opparity.platforms import Platform

if TYPE_CHECKING:
    from opparity.formats import Recipe

# Tokens and widths: whole groups, a short last one, and one that no wide load fits.
_SHAPES = ((24, 512), (5, 272), (3, 130))
_SCALES = {"given": 0.05, "global": 171.5}


def main() -> None:
    """Run all and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    device = torch.device(options.device)
    opparity.load()
    platform = torch_build.platform_of(device.type)
    shown: dict[str, list[str]] = defaultdict(list)
    cases = values = 0
    wrong: list[str] = []
    combinations = evidence.combinations()
    # A GPU's kernels are compiled one by one in a process.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=(os.cpu_count() or 2) // 2, mp_context=context) as pool:
        jobs = [(producer, recipe, device.type) for producer, recipe in combinations]
        results = list(pool.map(_compare_all, jobs, chunksize=4))
    for (producer, recipe), compared in zip(combinations, results, strict=True):
        cases += len(compared)
        values += sum(count for _, count in compared)
        if all(equal for equal, _ in compared):
            shown[producer].append(recipe.text)
        else:
            wrong.append(f"{producer} {recipe.text}")
    found = evidence.Evidence(
        how="ran",
        platform=platform,
        device=_device(device, platform),
        with_what=_with_what(platform),
        date=datetime.now(UTC).date().isoformat(),
        sources_sha256=evidence.digests(platform),
        cases=cases,
        values=values,
        combinations=dict(shown),
    )
    print(f"{found.write(options.name)}: {cases} cases, {values} values, {len(wrong)} wrong")
    for line in wrong:
        print(f"differs: {line}")
    sys.exit(1 if wrong else 0)


def _compare_all(job: tuple[str, Recipe, str]) -> list[tuple[bool, int]]:
    producer, recipe, device = job
    opparity.load()
    return [_compare(producer, recipe, shape, torch.device(device)) for shape in _SHAPES]


def _compare(
    producer: str, recipe: Recipe, shape: tuple[int, int], device: torch.device
) -> tuple[bool, int]:
    name = general_name(producer_named(producer))
    operator = next(row for row in OPERATORS if row.qualified_name == name)
    case = Case(
        name,
        Filling.ACTIVATIONS if shape[1] % 16 == 0 else Filling.FINITE_PATTERNS,
        *shape,
        "bfloat16",
        recipe,
        scale=_SCALES.get(recipe.rule),
    )
    with providers(force="native"):
        got = call(case, operator, device)
    with providers(force="reference"):
        right = call(case, operator, torch.device("cpu"))
    equal = all(_bytes(a) == _bytes(b) for a, b in zip(got, right, strict=True))
    return equal, got[0].numel()


def _bytes(tensor: torch.Tensor) -> bytes:
    flat = torch.empty(tensor.shape, dtype=tensor.dtype)
    flat.copy_(tensor)
    return flat.flatten().view(torch.uint8).numpy().tobytes()


def _device(device: torch.device, platform: Platform) -> str:
    if platform is Platform.CPU:
        return f"x86-64 CPU, {torch.ops.opparity.cpu_capability()}"
    return torch.cuda.get_device_name(device)


def _with_what(platform: Platform) -> str:
    words = [f"torch {torch.__version__}"]
    if platform is not Platform.CPU:
        words.append(torch.ops.opparity.gpu_compiler().split(",")[0])
    return ", ".join(words)


if __name__ == "__main__":
    main()
