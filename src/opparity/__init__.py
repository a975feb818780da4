"""Opparity: the same operators, the same bits, on every platform.

Importing this package imports neither torch nor Triton.
An operator's function loads them when it is first touched.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Public name -> the module that holds it.
_PUBLIC = {
    "Intermediate": "opparity.formats",
    "OpparityError": "opparity.errors",
    "QuantisedGroups": "opparity.operators.silu_and_mul_per_block_quant.function",
    "ScaleLayout": "opparity.formats",
    "load": "opparity.operators.registration",
    "providers": "opparity.operators.selection",
    "warm_up": "opparity.warming",
    "silu_and_mul_per_block_quant": ("opparity.operators.silu_and_mul_per_block_quant.function"),
}

__all__ = ["__version__", *sorted(_PUBLIC)]  # noqa: PLE0604 -- the names are strings of the table

if TYPE_CHECKING:
    from opparity.errors import OpparityError as OpparityError
    from opparity.formats import Intermediate as Intermediate
    from opparity.formats import ScaleLayout as ScaleLayout
    from opparity.operators.registration import load as load
    from opparity.operators.selection import providers as providers
    from opparity.operators.silu_and_mul_per_block_quant.function import (
        QuantisedGroups as QuantisedGroups,
    )
    from opparity.operators.silu_and_mul_per_block_quant.function import (
        silu_and_mul_per_block_quant as silu_and_mul_per_block_quant,
    )
    from opparity.warming import warm_up as warm_up


def __getattr__(name: str) -> Any:  # noqa: ANN401 -- a module attribute may be anything
    """Import the module that holds a public name when the name is first used."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'opparity' has no attribute {name!r}")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)
