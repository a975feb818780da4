"""The reference can serve wherever torch can compute with float64."""

from __future__ import annotations

from opparity.operators.torch_build import objection as availability

__all__ = ["availability"]
