"""What OPPARITY_SGLANG asks for, in words that are checked. Free of torch and SGLang."""

from __future__ import annotations

import os
from dataclasses import dataclass

from opparity.errors import PluginRefused
from opparity.integrations.sglang.table import ROWS

VARIABLE = "OPPARITY_SGLANG"


@dataclass(frozen=True, slots=True)
class Settings:
    """What was asked for.

    Attributes:
        off: whether nothing is to be done.
        hooked: names of ROWS whose functions are replaced.
    """

    off: bool
    hooked: frozenset[str]

    @classmethod
    def from_environment(cls) -> Settings:
        """Read OPPARITY_SGLANG: "off", "all", or names with commas between them.

        Raises:
            PluginRefused: a name is unknown, or "off" or "all" stand beside others.
        """
        text = os.environ.get(VARIABLE, "")
        words = [word.strip() for word in text.split(",") if word.strip()]
        names = [row.name for row in ROWS]
        if words in (["off"], ["all"]):
            return cls(words == ["off"], frozenset(names if words == ["all"] else ()))
        unknown = [word for word in words if word not in names]
        if unknown:
            raise PluginRefused(
                detail=f"{VARIABLE} is {text!r}, where {unknown[0]!r} is unknown or not alone",
                remedy=f"allowed: off; all; or some of {', '.join(names)}, with commas between",
            )
        return cls(False, frozenset(words))
