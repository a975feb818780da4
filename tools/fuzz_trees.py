"""Checks trees of odd pieces until one breaks the checker, and keeps it, shrunk, in the corpus.

`make fuzz TREES=100000`; the same seed gives the same trees.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, seed, settings

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from checker.fuzzing.trees import assert_sound, trees  # noqa: E402 -- tests are no package

if TYPE_CHECKING:
    from checker.fuzzing.trees import Files

CORPUS = ROOT / "tests" / "checker" / "fuzzing" / "corpus"
# Hypothesis remembers what it made: a run of all of them would grow without end.
ROUND = 1000
# A tree may take as long as one that is so much larger: on a busy machine a second of work counts
# for two or three.
TWENTY_MEGABYTES = 20_000_000


def main() -> None:
    """Run as many rounds as there are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trees", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    given_options = parser.parse_args()
    rounds = -(-given_options.trees // ROUND)
    refused = 0
    begun = time.process_time()
    for number in range(rounds):
        refused += _round(given_options.seed * 1_000_000 + number)
        minutes = (time.process_time() - begun) / 60
        print(
            f"{(number + 1) * ROUND} trees, {refused} of them refused, "
            f"{minutes:.1f} minutes of processor time",
            flush=True,
        )


def _round(number: int) -> int:
    refused = 0
    failing: list[Files] = []

    @seed(number)
    @settings(
        max_examples=ROUND, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(files=trees())
    def check(files: Files) -> None:
        nonlocal refused
        try:
            refused += assert_sound(files, folder, TWENTY_MEGABYTES) is None
        except BaseException:
            failing.append(files)
            raise

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            check()
        except BaseException:
            if failing:
                _keep(failing[-1])
            raise
    return refused


def _keep(files: Files) -> None:
    text = json.dumps(files, indent=1, ensure_ascii=True, sort_keys=True) + "\n"
    CORPUS.mkdir(exist_ok=True)
    path = CORPUS / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
    path.write_text(text, "utf-8")
    print(f"kept as {path.relative_to(ROOT)}", flush=True)


if __name__ == "__main__":
    main()
