"""Chromium for the tests of the pages: found on this machine, or installed from Debian."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# The font is for the Chinese pages: without one their width is not a reader's.
PACKAGES = ("chromium-headless-shell", "fonts-wqy-microhei")


def find() -> str | None:
    """Return a Chromium's path: what OPPARITY_CHROMIUM names, else the first on PATH."""
    named = os.environ.get("OPPARITY_CHROMIUM")
    if named:
        return named
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def missing() -> str:
    """Return why no browser was found, and what to do."""
    return (
        f"no Chromium: OPPARITY_CHROMIUM is not set and none of {', '.join(NAMES)} is on PATH; "
        f"as root: apt-get install {' '.join(PACKAGES)}"
    )


def install() -> int:
    """Install a browser where there is none and Debian's packages can be had."""
    if find():
        return 0
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.stderr.write(f"{missing()}; the tests of the pages will be skipped\n")
        return 0
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (
        ["update", "-qq"],
        ["install", "-qq", "--yes", "--no-install-recommends", *PACKAGES],
    ):
        completed = subprocess.run(
            ["apt-get", *arguments], env=environment, capture_output=True, text=True, check=False
        )
        if completed.returncode:
            sys.stderr.write(f"apt-get {' '.join(arguments)}:\n{completed.stderr[-2000:]}\n")
            sys.stderr.write(f"{missing()}; the tests of the pages will be skipped\n")
            return 0
    sys.stdout.write(f"installed {find()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(install())
