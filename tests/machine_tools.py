"""What some tests run besides Python packages: installed from Debian where it can be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pages import browsers

if TYPE_CHECKING:
    from collections.abc import Callable

CROSS_TOOLS = ("aarch64-linux-gnu-g++", "qemu-aarch64")


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that tests need.

    Attributes:
        is_there: whether this machine has it.
        packages: Debian's, that bring it.
        tests: which tests are skipped without it.
    """

    is_there: Callable[[], bool]
    packages: tuple[str, ...]
    tests: str


TOOLS = (
    Tool(lambda: browsers.find() is not None, browsers.PACKAGES, "the tests of the pages"),
    Tool(
        lambda: all(map(shutil.which, CROSS_TOOLS)),
        ("g++-aarch64-linux-gnu", "qemu-user"),
        "the test of the CPU kernel on aarch64",
    ),
)


def install() -> None:
    """Install what is missing; say what is skipped where that cannot be."""
    missing = [tool for tool in TOOLS if not tool.is_there()]
    if not missing:
        return
    packages = [package for tool in missing for package in tool.packages]
    failure = _apt_get("update", "-qq") or _apt_get(
        "install", "-qq", "--yes", "--no-install-recommends", *packages
    )
    for tool in missing:
        if not tool.is_there():
            wanted = " ".join(tool.packages)
            sys.stderr.write(f"{tool.tests} will be skipped: no {wanted} ({failure})\n")
    if not failure:
        sys.stdout.write(f"installed {' '.join(packages)}\n")


def _apt_get(*arguments: str) -> str:
    """Run apt-get; return why it could not, or nothing."""
    if os.geteuid() != 0:
        return "only root may install them"
    if shutil.which("apt-get") is None:
        return "this machine has no apt-get"
    completed = subprocess.run(
        ["apt-get", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        capture_output=True,
        text=True,
        check=False,
    )
    return completed.stderr.strip()[-500:] if completed.returncode else ""


if __name__ == "__main__":
    install()
