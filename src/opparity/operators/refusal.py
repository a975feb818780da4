"""How a function refuses what no operator can be asked."""

from __future__ import annotations

from typing import NoReturn

import torch

from opparity.errors import ArgumentRefused


def kind_of(given: object) -> str:
    """Return what something of a wrong type is called in a refusal."""
    return "None" if given is None else f"of type {type(given).__name__}"


def refuse(operator: str, detail: str) -> NoReturn:
    """Raise ArgumentRefused; while torch.compile traces, a ValueError with the same words.

    torch.compile traces no error that makes its message itself, and would show its own words.
    """
    if torch.compiler.is_compiling():
        raise ValueError(f"{operator}: {detail}")
    raise ArgumentRefused(operator=operator, detail=detail)
