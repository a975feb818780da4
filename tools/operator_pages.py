"""A page for each producer, below docs/operators: what tools/write_operators.py writes besides."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import evidence
import opparity
from operator_examples import after, before
from opparity.operators import OPERATORS, added_name, general_name, has_gradient
from opparity.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opparity.formats import Recipe
    from opparity.operators.declaration import Operator, Producer

FOLDER = evidence.ROOT / "docs" / "operators"
_PLATFORMS = (Platform.CPU, Platform.CUDA, Platform.ROCM)
_HEADINGS = {"Args": "Arguments", "Returns": "Result", "Raises": "Errors"}
_HOW = {"ran": "ran", "emulated": "emulated", "compiled": "compiled", "": "nothing"}


def page(producer: Producer, shown: Mapping[tuple[str, str, str], str]) -> str:
    """Return a producer's page."""
    parts = [
        [f"# `{general_name(producer)}`", "", "<!-- Written by tools/write_operators.py. -->"],
        _formula(producer),
        _examples(producer),
        _function(producer),
        _gradients(producer),
        _recipes(producer, shown),
        _operators(producer),
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _formula(producer: Producer) -> list[str]:
    lines = [f"Used by {producer.used_by}.", "", "```", producer.formula, "```", ""]
    if producer.gated:
        lines.append("The input holds gate and up, [..., 2 * hidden_size].")
        lines.append("`interleaved=True` reads them in turns, gate first.")
    if producer.reduces:
        lines.append("The mean is taken over a row; the weight is [hidden_size].")
    added = added_name(producer)
    if added is not None:
        lines.append(f"`{added}` adds a residual first, and returns the sum as well.")
    lines.append(
        "The steps and their roundings are in [the numerics contract](../numerics.md); "
        "they are the same on every platform."
    )
    if producer.parameters:
        lines += ["", "| parameter | default | meaning |", "| --- | ---: | --- |"]
        lines += [
            f"| `{each.name}` | {'none' if each.default is None else f'{each.default:g}'} | "
            f"{each.meaning} |"
            for each in producer.parameters
        ]
    return lines


def _examples(producer: Producer) -> list[str]:
    return [
        "## Before and after",
        "",
        "A model's own operations, with FP8 by blocks of 128:",
        "",
        "```python",
        before(producer),
        "```",
        "",
        "The same as one operator, which reads the input once:",
        "",
        "```python",
        after(producer),
        "```",
        "",
        (
            "Where a code differs, it is by one step: the model divides by the scale, and Opparity "
            "multiplies by its reciprocal."
        ),
    ]


def _function(producer: Producer) -> list[str]:
    name = general_name(producer)
    function = getattr(opparity, name)
    lines = ["## The function", "", "```text", *_signature(name, function), "```", ""]
    documentation = inspect.cleandoc(function.__doc__ or "")
    for heading, text in _sections(documentation):
        lines += [f"**{_HEADINGS[heading]}**", "", *text, ""]
    return lines[:-1]


def _signature(name: str, function: object) -> Iterator[str]:
    """Yield a function's parameters, one a line."""
    yield f"opparity.{name}("
    keyword = False
    for parameter in inspect.signature(function).parameters.values():  # type: ignore[arg-type]
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword:
            keyword = True
            yield "    *,"
        default = parameter.default
        shown = "" if default is parameter.empty else f" = {_written(default)}"
        yield f"    {parameter.name}: {parameter.annotation}{shown},"
    yield ")"


def _written(default: object) -> str:
    return repr(str(default)) if isinstance(default, opparity.Intermediate) else repr(default)


def _sections(documentation: str) -> Iterator[tuple[str, list[str]]]:
    """Yield a docstring's Args, Returns and Raises, as items of a list."""
    heading = ""
    found: list[str] = []
    for line in documentation.splitlines():
        if line in {"Args:", "Returns:", "Raises:"}:
            if heading:
                yield heading, found
            heading, found = line[:-1], []
        elif heading and line.startswith("     "):
            found[-1] += " " + line.strip()
        elif heading and line.strip():
            name, separator, text = line.strip().partition(": ")
            is_named = heading != "Returns" and separator
            found.append(f"- `{name}`: {text}" if is_named else _continued(found, line))
            if not is_named and len(found) > 1:
                found.pop(-2)
    if heading:
        yield heading, found


def _continued(found: list[str], line: str) -> str:
    return f"{found[-1]} {line.strip()}" if found else line.strip()


def _gradients(producer: Producer) -> list[str]:
    lines = ["## Gradients", ""]
    if not has_gradient(producer):
        lines.append("`dequantize()` of the result passes the gradient through unchanged.")
    else:
        lines += [
            f"`{general_name(producer)}_backward` is one operator for the gradient of the input.",
            "Without a recipe autograd calls it.",
            (
                "With a recipe take the gradient of `dequantize()`, "
                "which goes straight through the quantisation ([training.md](../training.md))."
            ),
        ]
    if has_gradient(producer) and not producer.reduces:
        lines.append(
            "`opparity.quantize_gradient` and `gradient_rows_and_columns` quantise it in the "
            "kernel that computes it ([training.md](../training.md#gradients-that-are-quantised))."
        )
    if producer.reduces:
        beside = "gate" if producer.takes_gate else "residual"
        lines.append(f"The weight and the {beside} have gradients too.")
    else:
        lines.append(
            "Experts' rows, and rows with columns, have none ([experts.md](../experts.md)), nor "
            "have sums of an int8 product ([modules.md](../modules.md#sums-of-an-int8-product))."
        )
    return lines


def _recipes(producer: Producer, shown: Mapping[tuple[str, str, str], str]) -> list[str]:
    lines = [
        "## Recipes, layouts and platforms",
        "",
        (
            "What each native kernel has shown, by [the evidence](../operators.md#what-was-shown): "
            "it ran there, an emulator of AMD's chips ran its machine code, or it was compiled."
        ),
        "The reference runs on every platform.",
        "",
        "| recipe | layouts of the scales | CPU | CUDA | ROCm |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, recipes in evidence.recipes().items():
        by_result: dict[tuple[str, ...], list[str]] = {}
        for recipe in recipes:
            by_result.setdefault(_results(producer, recipe, shown), []).append(_layout(recipe))
        lines += [
            f"| `{name}` | {', '.join(layouts)} | {' | '.join(results)} |"
            for results, layouts in by_result.items()
        ]
    return lines


def _results(
    producer: Producer, recipe: Recipe, shown: Mapping[tuple[str, str, str], str]
) -> tuple[str, ...]:
    return tuple(_HOW[shown.get((each, producer.name, recipe.text), "")] for each in _PLATFORMS)


def _layout(recipe: Recipe) -> str:
    if recipe.group_size:
        return f"`{recipe.layout}`"
    return "one scale" if recipe.format else "no scales"


def _operators(producer: Producer) -> list[str]:
    lines = [
        "## Operators",
        "",
        "In `torch.ops.opparity`, once `opparity.load()` was called:",
        "",
    ]
    rows = [operator for operator in OPERATORS if operator.producer == producer.name]
    own = [operator for operator in rows if not operator.peer]
    peers = [operator for operator in rows if operator.peer]
    lines += ["```text", *(_schema(operator) for operator in own), "```", ""]
    if not peers:
        return [*lines, "No peer's schema is served by this row."]
    lines += [
        "With a peer's schema, to be called where the peer's operator was:",
        "",
        "| operator | schema of |",
        "| --- | --- |",
    ]
    lines += [f"| `{_schema(operator)}` | {operator.peer} |" for operator in peers]
    return lines


def _schema(operator: Operator) -> str:
    return f"{operator.qualified_name}{operator.schema}"
