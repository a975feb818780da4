"""Opparity's operators inside vLLM: the plugin that vLLM loads in each of its processes."""

from __future__ import annotations

from opparity.integrations.vllm.plugin import calls, register

__all__ = ["calls", "register"]
