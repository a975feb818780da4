"""Write docs/operators.md and docs/operators from the tables and docs/evidence.

`python tools/write_operators.py --check` writes nothing and ends with status 1 where a page is not
current.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import TYPE_CHECKING

import evidence
import operator_pages
from opparity.formats import RECIPES
from opparity.operators import IMPLEMENTATIONS, OPERATORS, PRODUCERS, added_name, general_name
from opparity.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opparity.formats import Recipe

PAGE = evidence.ROOT / "docs" / "operators.md"
# From the weakest to the strongest.
_HOWS = ("compiled", "emulated", "ran")
_LETTERS = {"ran": "R", "emulated": "E", "compiled": "c", "": "-"}

_INTRODUCTION = """# Operators

<!-- Written by tools/write_operators.py, from the tables and docs/evidence. -->

An operator is a *producer*, what is computed from the input, with a *recipe*, how it is quantised.
Every pair gives the same bits on every platform; [numerics.md](numerics.md) says which.

```python
import torch
import opparity

hidden = torch.randn(4, 2 * 512, dtype=torch.bfloat16)  # gate, then up
quantized = opparity.silu_and_mul(hidden, "mxfp8")
values, scales = quantized
print(values.dtype, scales.dtype)  # torch.float8_e4m3fn torch.float8_e8m0fnu
restored = quantized.dequantize()
```
"""

_GIVEN = """
Where the rule is `given` or `global`, pass a `scale`; `opparity.tensor_scale` computes it.

```python
import torch
import opparity

hidden = torch.linspace(-4, 4, 2 * 512).reshape(2, 512)
scale = opparity.tensor_scale(hidden, "nvfp4")
quantized = opparity.quantize(hidden, "nvfp4", scale=scale)
print(f"{(quantized.dequantize() - hidden).abs().max():.2f}")  # 0.24
```"""


def page() -> str:
    """Return the page's text."""
    lines = [_INTRODUCTION]
    lines += ["## Producers", "", *_producers()]
    lines += ["", "## Recipes", "", *_recipes()]
    lines += ["", "## Operators with a peer's schema", "", *_named()]
    lines += ["", "## What was shown", "", *_shown()]
    return "\n".join(lines) + "\n"


def _producers() -> Iterator[str]:
    yield "Each has a function `opparity.NAME`, and operators in `torch.ops.opparity`:"
    yield ""
    yield "| operator | does |"
    yield "| --- | --- |"
    yield "| `NAME` | returns tensors |"
    yield "| `NAME.out` | writes to tensors that are given; of `add_rms_norm` to the residual too |"
    yield "| `NAME_backward` | computes the gradient; `quantize` needs none |"
    yield "| `NAME_backward_quantized` | quantises the gradient; norms and `quantize` have none |"
    yield (
        "| `NAME_backward_with_columns` | quantises it by rows and columns; norms and `quantize` "
        "have none |"
    )
    yield "| `NAME_experts` | takes the rows of experts; norms have none |"
    yield "| `NAME_with_columns` | quantises rows and columns; norms have none |"
    yield "| `NAME_of_sums` | reads the int32 sums of an int8 product; norms have none |"
    yield ""
    yield "| function | computes | parameters | used by |"
    yield "| --- | --- | --- | --- |"
    for producer in PRODUCERS:
        numbers = ", ".join(
            p.name + ("" if p.default is None else f" = {p.default:g}") for p in producer.parameters
        )
        name = general_name(producer)
        added = added_name(producer)
        name = name if added is None else f"{name}`, `{added}"
        linked = f"[`{name}`](operators/{general_name(producer)}.md)"
        yield f"| {linked} | `{producer.formula}` | {numbers} | {producer.used_by} |"


def _recipes() -> Iterator[str]:
    yield "Any other combination that `opparity.Recipe` accepts works as well."
    yield ""
    yield "| name | values | group | scales | rule | default layout |"
    yield "| --- | --- | ---: | --- | --- | --- |"
    for name, recipe in RECIPES.items():
        group = recipe.group_size or ("tensor" if recipe.format is not None else "")
        yield (
            f"| `{name}` | {recipe.value} | {group} | {recipe.scale} | {recipe.rule} | "
            f"{recipe.layout} |"
        )
    yield _GIVEN


def _named() -> Iterator[str]:
    yield "Call `opparity.load()` once and use `torch.ops.opparity` where `torch.ops._C` was."
    yield ""
    yield "| operator | producer | schema of |"
    yield "| --- | --- | --- |"
    for operator in OPERATORS:
        if operator.peer:
            yield (
                f"| `{operator.qualified_name}{operator.schema}` | {operator.producer} | "
                f"{operator.peer} |"
            )


def _shown() -> Iterator[str]:
    yield "Each cell has a sign for the CPU, one for CUDA and one for ROCm."
    yield "`R`: it ran there and gave the reference's bytes."
    yield "`E`: AMD's machine code ran in an emulator and gave them."
    yield "`c`: it was compiled for that platform's chips, and nothing more."
    yield "`-`: nothing."
    yield "What ran before the sources changed does not count; of ROCm it counts as compiled, since"
    yield "the tests compile for AMD's chips whatever the sources are."
    yield ""
    yield from _sources()
    yield ""
    providers = " and ".join(f"`{row.provider}`" for row in IMPLEMENTATIONS)
    yield f"That is of the native kernels. {providers} exist on every platform."
    yield ""
    names = [general_name(producer) for producer in PRODUCERS]
    yield "| recipe | layout | " + " | ".join(f"`{name}`" for name in names) + " |"
    yield "| --- | --- |" + " :-: |" * len(names)
    strongest = _strongest()
    for name, row in evidence.recipes().items():
        for recipe in row:
            cells = [_cell(strongest, producer.name, recipe) for producer in PRODUCERS]
            layout = recipe.layout if recipe.group_size else ""
            yield f"| `{name}` | {layout} | " + " | ".join(cells) + " |"


def _sources() -> Iterator[str]:
    yield "| | platform | on | with | cases | values | date |"
    yield "| --- | --- | --- | --- | ---: | ---: | --- |"
    for found in evidence.read():
        how = found.how
        if found.outdated:
            how += f", {found.outdated} combinations before their sources changed"
        yield (
            f"| {how} | {found.platform} | {found.device} | {found.with_what} | "
            f"{found.cases:,} | {found.values:,} | {found.date} |"
        )


def _strongest() -> dict[tuple[str, str, str], str]:
    """Return, by platform, producer and recipe, the strongest that was shown."""
    shown: dict[tuple[str, str, str], str] = defaultdict(str)
    for found in evidence.read():
        for producer, texts in found.combinations.items():
            for text in texts:
                how = found.how
                if not found.is_current(producer, text):
                    # The tests compile for AMD's chips whatever the sources are.
                    if found.platform != Platform.ROCM:
                        continue
                    how = "compiled"
                key = (found.platform, producer, text)
                shown[key] = max(shown[key], how, key=("", *_HOWS).index)
    return shown


def _cell(strongest: dict[tuple[str, str, str], str], producer: str, recipe: Recipe) -> str:
    places = (Platform.CPU, Platform.CUDA, Platform.ROCM)
    return "".join(_LETTERS[strongest.get((place, producer, recipe.text), "")] for place in places)


def pages() -> dict[Path, str]:
    """Return what is written: the page of all, and one for each producer."""
    strongest = _strongest()
    each = {
        operator_pages.FOLDER / f"{general_name(producer)}.md": operator_pages.page(
            producer, strongest
        )
        for producer in PRODUCERS
    }
    return {PAGE: page()} | each


def main() -> None:
    """Write the pages, or check them."""
    for path, text in pages().items():
        if "--check" not in sys.argv:
            path.write_text(text, "utf-8")
        elif not path.is_file() or path.read_text("utf-8") != text:
            raise SystemExit(f"{path} is not current; run python tools/write_operators.py")
    if "--check" not in sys.argv:
        print(f"wrote {PAGE} and a page for each producer in {operator_pages.FOLDER}")


if __name__ == "__main__":
    main()
