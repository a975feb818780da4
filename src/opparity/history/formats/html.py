"""An operator's life as one self-contained page; opparity.pages has the template."""

from __future__ import annotations

from opparity.pages.history import render

__all__ = ["render"]
