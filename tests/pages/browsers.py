"""Chromium for the tests of the pages: found on this machine; machine_tools.py installs it."""

from __future__ import annotations

import os
import shutil

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
