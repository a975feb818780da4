"""A pass for torch.compile that finds quantised activations, however they are written.

`install()` appends it to Inductor's passes. Where a compiled graph computes a product and its
quantisation in many operations, the pass runs that part of the graph on a few numbers; if they come
out as one of Opparity's operators computes them, the operator takes their place.
"""

from __future__ import annotations

from opparity import torch_names

torch_names.require(torch_names.COMPILE_PASS)

from opparity.integrations.compile_pass.fusion_pass import (  # noqa: E402 -- it imports these names
    FusionPass,
    Match,
    install,
)

__all__ = ["FusionPass", "Match", "install"]
