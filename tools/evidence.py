"""What was shown of the kernels, on what, and of which sources: docs/evidence/*.json."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from opparity.errors import ArgumentRefused
from opparity.formats import RECIPES, Recipe, ScaleLayout
from opparity.operators import PRODUCERS, producer_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "evidence"
NATIVE = ROOT / "src" / "opparity" / "native"
# What a platform's kernels are made of, with what these include.
_SHARED = {
    "cpu": ("cpu/kernel.cpp", "cpu/produce.cpp", "cpu/run.cpp", "platforms/cpu.h"),
    "cuda": ("gpu/kernel.h", "platforms/cuda.h"),
    "rocm": ("gpu/kernel.h", "platforms/hip.h"),
}
# Of whole rows alone.
_ROWS = {"cpu": ("cpu/reduce.cpp", "cpu/rows.h"), "cuda": ("gpu/rows.h",), "rocm": ("gpu/rows.h",)}
# What launches the kernels, what no combination here runs, and other platforms' own.
_OTHERS = {
    "call.h",
    "cpu/columns.h",
    "cpu/differentiate_rows.h",
    "cpu/gradients.h",
    "gpu/columns.h",
    "gpu/expert_rows.h",
    "gpu/experts.h",
    "gpu/gradients.h",
    "gpu/rows_backward.h",
    "experts.h",
    *(f"platforms/{name}.h" for name in ("cpu", "cuda", "hip", "host")),
}
_INCLUDE = re.compile(r'^\s*#include "native/([^"]+)"', re.MULTILINE)
_COMMENT = re.compile(r"^\s*//.*$|\s+//\s.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one run showed.

    Attributes:
        how: "ran", "emulated" or "compiled".
        platform: cuda, rocm or cpu.
        device: the chip, or the emulator and its chip.
        with_what: compiler and torch.
        date: of the run.
        sources_sha256: of the kernels that ran: of what all have, of whole rows, of each producer.
        cases: calls that were compared with the reference, all equal.
        values: how many these had.
        combinations: producer -> texts of recipes.
    """

    how: str
    platform: str
    device: str
    with_what: str
    date: str
    sources_sha256: dict[str, str]
    cases: int
    values: int
    combinations: dict[str, list[str]]

    def is_current(self, producer: str, recipe: str) -> bool:
        """Whether the sources of a combination are still those that ran."""
        parts = ["shared", producer]
        if producer_named(producer).reduces or Recipe.parse(recipe).by_token:
            parts.append("rows")
        now = digests(self.platform)
        return all(self.sources_sha256.get(part) == now[part] for part in parts)

    @property
    def outdated(self) -> int:
        """How many combinations have other sources now."""
        rows = self.combinations.items()
        return sum(not self.is_current(name, text) for name, texts in rows for text in texts)

    def write(self, name: str) -> Path:
        """Write it as docs/evidence/NAME.json."""
        FOLDER.mkdir(exist_ok=True)
        path = FOLDER / f"{name}.json"
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")
        return path


def read() -> list[Evidence]:
    """Return what docs/evidence holds."""
    return [
        Evidence(**json.loads(path.read_text("utf-8"))) for path in sorted(FOLDER.glob("*.json"))
    ]


@cache
def digests(platform: str) -> dict[str, str]:
    """Return the SHA-256 of each part of a platform's kernel sources."""
    shared = _with_includes(_SHARED[platform])
    rows = _with_includes(_ROWS[platform]) - shared
    producers = {
        producer.name: _with_includes([f"producers/{producer.name}.h"]) - shared
        for producer in PRODUCERS
    }
    parts = {"shared": shared, "rows": rows, **producers}
    return {part: _digest(names) for part, names in parts.items()}


def _with_includes(names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        included = _INCLUDE.findall((NATIVE / name).read_text("utf-8"))
        waiting += [other for other in included if other not in _OTHERS and not _is_rows(other)]
    return found


def _is_rows(name: str) -> bool:
    return any(name in names for names in _ROWS.values())


def _digest(names: Iterable[str]) -> str:
    """Return the SHA-256 of files, comments and blank lines left out."""
    total = hashlib.sha256()
    for name in sorted(names):
        code = _COMMENT.sub("", (NATIVE / name).read_text("utf-8"))
        lines = [line.strip() for line in code.splitlines() if line.strip()]
        total.update("\n".join([name, *lines, ""]).encode())
    return total.hexdigest()


def recipes() -> dict[str, list[Recipe]]:
    """Return each named recipe with every layout that it can have."""
    found: dict[str, list[Recipe]] = {}
    for name, recipe in RECIPES.items():
        found[name] = [*_layouts(recipe)]
    return found


def _layouts(recipe: Recipe) -> Iterator[Recipe]:
    if recipe.group_size is None:
        yield recipe
        return
    for layout in ScaleLayout:
        try:
            yield recipe.with_layout(layout)
        except ArgumentRefused:
            continue


def combinations() -> list[tuple[str, Recipe]]:
    """Return every producer with every named recipe in every layout."""
    listed = dict.fromkeys(recipe for row in recipes().values() for recipe in row)
    return [(producer.name, recipe) for producer in PRODUCERS for recipe in listed]
