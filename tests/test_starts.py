"""The commands of docs/start-with-an-extension.md print what the page says, one after another."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "start-with-an-extension.md"
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
# A change of folder holds for the commands behind it.
CHANGE = re.compile(r"cd (\w+)")


def commands() -> list[tuple[str, str]]:
    """Return each command behind the installation, and what it prints."""
    _, _, walk = PAGE.read_text("utf-8").partition("## The first check")
    return [found for block in CONSOLE.findall(walk) for found in COMMAND.findall(block)]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return one with an `opparity` on PATH, and a git that knows who commits."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "opparity"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m opparity "$@"\n')
    program.chmod(0o755)
    known = {
        f"GIT_{who}_{what}": "tests@localhost"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    return os.environ | known | {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_the_walk_prints_what_the_page_says(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "opparity").mkdir()
    shutil.copytree(ROOT / "examples", tmp_path / "opparity" / "examples")
    folder = tmp_path
    walk = commands()
    assert len(walk) > 10
    for command, expected in walk:
        changed = CHANGE.fullmatch(command)
        if changed:
            folder /= changed.group(1)
            continue
        completed = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=folder,
            env=environment,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert completed.stdout == expected, command
