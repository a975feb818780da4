"""The rule table: one line per rule, in the order of reports."""

from __future__ import annotations

from opparity.checker.rules.base import Rule
from opparity.checker.rules.called_not_built import CalledNotBuilt
from opparity.checker.rules.lane_mask_narrower_than_the_wave import LaneMaskNarrowerThanTheWave
from opparity.checker.rules.registered_not_built import RegisteredNotBuilt

RULES: tuple[type[Rule], ...] = (
    RegisteredNotBuilt,
    CalledNotBuilt,
    LaneMaskNarrowerThanTheWave,
)

__all__ = ["RULES", "Rule"]
