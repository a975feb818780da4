"""The tables in docs/vllm.md and docs/sglang.md are what the plugins' tables say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_pages_of_the_plugins_are_current() -> None:
    ended = subprocess.run(
        [sys.executable, "tools/write_plugin_tables.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
