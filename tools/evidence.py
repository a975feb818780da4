"""What was shown of the kernels, on what, and of which sources: docs/evidence/*.json."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opparity.errors import ArgumentRefused
from opparity.formats import RECIPES, Recipe, ScaleLayout
from opparity.operators import PRODUCERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "evidence"
NATIVE = ROOT / "src" / "opparity" / "native"
# What decides a kernel's bits, by platform; tables are in the recipes' and producers' names.
SOURCES = {
    "cpu": ("contract", "formats", "producers", "cpu", "platforms/cpu.h"),
    "cuda": ("contract", "formats", "producers", "gpu", "platforms/cuda.h", "platforms/scalar.h"),
    "rocm": ("contract", "formats", "producers", "gpu", "platforms/hip.h", "platforms/scalar.h"),
}
# Of gpu/, what kernels are made of, and not what launches them.
KERNEL_HEADERS = (
    "arguments.h",
    "encoding.h",
    "kernel.h",
    "memory.h",
    "pieces.h",
    "products.h",
    "row_plan.h",
    "rows.h",
    "table.h",
)
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
        sources_sha256: of the kernels that ran.
        cases: calls that were compared with the reference, all equal.
        values: how many these had.
        combinations: producer -> texts of recipes.
    """

    how: str
    platform: str
    device: str
    with_what: str
    date: str
    sources_sha256: str
    cases: int
    values: int
    combinations: dict[str, list[str]]

    @property
    def is_current(self) -> bool:
        """Whether the sources are still those that ran."""
        return self.sources_sha256 == digest(self.platform)

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


def digest(platform: str) -> str:
    """Return the SHA-256 of a platform's kernel sources, comments and blank lines left out."""
    total = hashlib.sha256()
    for path in _paths(SOURCES[platform]):
        code = _COMMENT.sub("", path.read_text("utf-8"))
        lines = [line.strip() for line in code.splitlines() if line.strip()]
        total.update("\n".join([path.relative_to(NATIVE).as_posix(), *lines, ""]).encode())
    return total.hexdigest()


def _paths(names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        if name.endswith(".h"):
            yield NATIVE / name
            continue
        for path in sorted((NATIVE / name).iterdir()):
            if path.suffix in {".h", ".cpp"} and (name != "gpu" or path.name in KERNEL_HEADERS):
                yield path


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
