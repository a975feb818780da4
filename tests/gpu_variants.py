"""The variants of the GPU kernel, and its sources as the library carries them."""

from __future__ import annotations

import random
import subprocess
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from native_programs import GPU, HERE, SOURCES, compile_cpp
from opparity.formats import VALUE_FORMATS, ScaleLayout, ScaleRule, accepted_recipes
from opparity.operators import embed_sources
from opparity.operators.__main__ import header

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant of the kernel, with the macros that compile it."""

    name: str
    defines: tuple[str, ...]

    @property
    def line(self) -> str:
        """The input of tests/native/compile_program.cpp."""
        return "\t".join((self.name, *self.defines))


def write_tables(folder: Path) -> None:
    """Write the header that the build writes."""
    (folder / "opparity_tables.h").write_text(header(), "utf-8")


def write_sources(folder: Path) -> dict[str, str]:
    """Write the embedded sources as the build does, and return them by name."""
    write_tables(folder)
    sources = embed_sources.collect([SOURCES, folder])
    (folder / "embedded_sources.cpp").write_text(embed_sources.data(sources), "utf-8")
    return sources


def all_variants(folder: Path) -> list[Variant]:
    """Return every variant that a call can need, as the launcher's own code says."""
    write_tables(folder)
    program = compile_cpp(
        folder / "variants", f"-I{folder}", HERE / "variants.cpp", GPU / "variant.cpp"
    )
    kinds = "".join(f"{' '.join(map(str, kind))}\n" for kind in sorted(_kinds()))
    completed = subprocess.run([program], input=kinds, check=True, capture_output=True, text=True)
    lines = [line.split("\t") for line in completed.stdout.splitlines()]
    return [Variant(name, tuple(rest)) for name, *rest in lines]


def _kinds() -> set[tuple[int, ...]]:
    """Return what recipes have that share kernels, as C++ numbers it."""
    values, rules = [*VALUE_FORMATS, "none"], list(ScaleRule)
    tiled = {ScaleLayout.PACKED, ScaleLayout.SWIZZLE_128X4}
    return {
        (
            values.index(recipe.value),
            recipe.group_size if isinstance(recipe.group_size, int) else 0,
            rules.index(recipe.rule),
            int(recipe.scale_is_byte),
            int(recipe.layout in tiled),
            int(recipe.by_token),
        )
        for recipe in accepted_recipes().values()
    }


def draw(variants: Iterable[Variant], together: int, seed: int = 0) -> list[Variant]:
    """Return few variants in which every `together` macros that go together do so once."""
    waiting = list(variants)
    random.Random(seed).shuffle(waiting)  # noqa: S311 -- tests, not secrets
    seen: set[tuple[str, ...]] = set()
    drawn = []
    for variant in waiting:
        new = set(combinations(variant.defines, together)) - seen
        if new:
            seen |= new
            drawn.append(variant)
    return drawn
