"""A pass for torch.compile that finds quantised activations, however they are written.

`install()` appends it to Inductor's passes. Where a compiled graph computes a product and its
quantisation in many operations, the pass runs that part of the graph on a few numbers; if they come
out as one of Opparity's operators computes them, the operator takes their place.
"""

from __future__ import annotations

from opparity.integrations.compile_pass.fusion_pass import FusionPass, Match, install

__all__ = ["FusionPass", "Match", "install"]
