"""What stands for the native library in a folder of kernels, which has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from opparity.platforms import Platform

# The reference is all that a folder has, so nothing is told when it serves.
IS_EXPECTED = False
_REASON = (
    "a folder of kernels has the reference alone; the package itself, installed with pip, has the "
    "native kernels"
)


def path() -> Path | None:
    """Return None: there is no library."""
    return None


def load() -> str | None:
    """Return the reason why nothing can be loaded."""
    return _REASON


def availability(platform: Platform) -> str | None:  # noqa: ARG001 -- the same on each platform
    """Return the reason why the native library serves no platform."""
    return _REASON
