"""The specification of every operator in plain torch, on any device that has float64.

It knows no C++, and checks nothing: operators/checks.py has said before that a call is allowed.
"""

from __future__ import annotations

from opparity.operators.reference.gradient import backward, quantise_gradient
from opparity.operators.reference.norm_gradient import backward_of_rows
from opparity.operators.reference.norms import Beside, add
from opparity.operators.reference.quantisation import compute, dequantise, produce, quantise
from opparity.operators.reference.sums import scaled

__all__ = [
    "Beside",
    "add",
    "backward",
    "backward_of_rows",
    "compute",
    "dequantise",
    "produce",
    "quantise",
    "quantise_gradient",
    "scaled",
]
