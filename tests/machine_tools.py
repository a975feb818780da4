"""What some tests run besides Python packages: installed from Debian where it can be.

A test that lacks one is skipped with the reason, on a developer's machine; where
OPPARITY_TEST_TOOLS is "require", as in the workflow of GitHub, it fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from pages import browsers

if TYPE_CHECKING:
    from collections.abc import Callable

CROSS_TOOLS = ("aarch64-linux-gnu-g++", "qemu-aarch64")
_SWITCH = "OPPARITY_TEST_TOOLS"
_CHOICES = ("skip", "require")


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


def are_required() -> bool:
    """Return whether a test without its tool fails.

    Raises:
        SystemExit: for another value of the switch, which would require nothing unseen.
    """
    given = os.environ.get(_SWITCH, "skip")
    if given not in _CHOICES:
        raise SystemExit(f"{_SWITCH} is {given!r}; allowed: {', '.join(_CHOICES)}")
    return given == "require"


def lacking(reason: str) -> NoReturn:
    """Skip the test that runs, or fail it where tools are required."""
    import pytest  # noqa: PLC0415 -- `make machine-tools` runs where it is not installed

    if are_required():
        pytest.fail(f"{reason}; {_SWITCH} is 'require', so this is no skip", pytrace=False)
    pytest.skip(reason)


def install() -> int:
    """Install what is missing; say what is skipped where that cannot be.

    Returns:
        The status to exit with: 1 where a tool is required and still missing.
    """
    is_required = are_required()
    missing = [tool for tool in TOOLS if not tool.is_there()]
    if not missing:
        return 0
    packages = [package for tool in missing for package in tool.packages]
    failure = _apt_get("update", "-qq") or _apt_get(
        "install", "-qq", "--yes", "--no-install-recommends", *packages
    )
    still = [tool for tool in missing if not tool.is_there()]
    for tool in still:
        wanted, become = " ".join(tool.packages), "fail" if is_required else "be skipped"
        sys.stderr.write(f"{tool.tests} will {become}: no {wanted} ({failure})\n")
    if not failure:
        sys.stdout.write(f"installed {' '.join(packages)}\n")
    return 1 if still and is_required else 0


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
    sys.exit(install())
