"""The report as one self-contained page; opparity.pages has the templates."""

from __future__ import annotations

from opparity.pages.change import render

__all__ = ["render"]
