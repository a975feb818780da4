"""Functions of constants, applied to values that may be one of several."""

from __future__ import annotations

import re
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from opparity.checker.languages.interpreting import charge, charge_text
from opparity.checker.languages.setup_py.values import (
    Choice,
    Known,
    Newest,
    Plain,
    Unsure,
    Value,
    join,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_COMBINATIONS = 16
_LONGEST_TEXT = 20_000
_LONGEST_FILLED = 100_000
_PLACEHOLDER = re.compile(r"%[sdri]")


def lift(function: Callable[..., Plain], *values: Value) -> Value:
    """Return a function of constants, applied to each combination of alternatives."""
    if any(isinstance(value, Newest) for value in values):
        return Newest()
    spread = [value.options if isinstance(value, Choice) else (value,) for value in values]
    if prod(len(options) for options in spread) > _MOST_COMBINATIONS:
        return Unsure("too many combinations")
    results: list[Value] = []
    for combination in product(*spread):
        known = [value for value in combination if isinstance(value, Known)]
        charge(len(combination))
        charge_text(sum(len(v.value) for v in known if isinstance(v.value, str | bytes)))
        if len(known) < len(combination):
            results.append(Unsure("operand"))
            continue
        origin = next((value.origin for value in reversed(known) if value.origin), None)
        try:
            result = function(*(value.value for value in known))
        except (TypeError, ValueError, KeyError, IndexError, ArithmeticError, AttributeError):
            results.append(Unsure("fails"))
            continue
        too_long = isinstance(result, str | bytes) and len(result) > _LONGEST_TEXT
        results.append(Unsure("too long") if too_long else Known(result, origin))
    return join(results)


def formatted(template: Plain, *values: Plain) -> Plain:
    """Return `template % values`."""
    # A width may ask for any amount of memory; build scripts use none.
    size = len(values) * max((len(str(value)) for value in values), default=0)
    is_plain = (
        isinstance(template, str)
        and size <= _LONGEST_FILLED
        and len(_PLACEHOLDER.findall(template)) == template.count("%")
    )
    if isinstance(template, str) and is_plain:
        return template % values
    raise TypeError
