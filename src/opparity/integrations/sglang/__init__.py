"""Opparity's operators inside SGLang: the plugin that SGLang loads in each of its processes."""

from __future__ import annotations

from opparity.integrations.sglang.plugin import calls, register

__all__ = ["calls", "register"]
