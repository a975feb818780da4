"""transformers: the MLPs, norms and experts of a model on Opparity's operators.

`fuse(model)` replaces modules of a model that is loaded, and `undo()` puts them back.
`register_experts()` makes "opparity" a choice of `model.set_experts_implementation`.
"""

from __future__ import annotations

from opparity.packages import refusal

if refused := refusal("torch"):
    raise refused

# ruff: isort: split
from opparity.integrations.transformers.experts import register_experts
from opparity.integrations.transformers.fusion import Fusion, fuse

__all__ = ["Fusion", "fuse", "register_experts"]
