"""`python -m opparity.operators FILE`: the tables as a C++ header, for CMake."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from opparity.formats import (
    INPUT_DTYPES,
    RECIPES,
    VALUE_FORMATS,
    ExpertLayout,
    Intermediate,
    ScaleFormat,
    ScaleLayout,
    ScaleRule,
    accepted_recipes,
)
from opparity.operators import OPERATORS, PRODUCERS
from opparity.operators.declaration import Direction, Role

if TYPE_CHECKING:
    from collections.abc import Iterable
    from enum import StrEnum

    from opparity.operators.declaration import Operator

_MOST_ARGUMENTS = 20


def main() -> None:
    """Write the header where it differs from what is there, so that nothing is built anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    file: Path = parser.parse_args().file
    text = header()
    if not file.is_file() or file.read_text("utf-8") != text:
        file.write_text(text, encoding="utf-8")


def header() -> str:
    """Return the header's text."""
    lines = [
        "// Written by `python -m opparity.operators`: the tables of operators/__init__.py and",
        "// formats.py.",
        "#pragma once",
        "",
        "#include <cstdint>",
        "",
        *_for_each("PRODUCER", [p.functor for p in PRODUCERS]),
        *_for_each("VALUE_FORMAT", [f.functor for f in VALUE_FORMATS.values()]),
        *_for_each("SCALE_RULE", _members(ScaleRule)),
        "",
        "namespace opparity {",
        "",
        *_enumeration("Producer", [p.functor for p in PRODUCERS]),
        *_enumeration("InputType", ["Float16", "BFloat16", "Float32"]),
        *_enumeration("ValueFormat", [*(f.functor for f in VALUE_FORMATS.values()), "InputType"]),
        *_enumeration("ScaleFormat", _members(ScaleFormat)),
        *_enumeration("ScaleRule", _members(ScaleRule)),
        *_enumeration("ScaleLayout", _members(ScaleLayout)),
        *_enumeration("Intermediate", _members(Intermediate)),
        *_enumeration("ExpertLayout", [*_members(ExpertLayout), "None"]),
        *_enumeration("Role", _members(Role)),
        "",
        "inline constexpr int kMostParameters = 4;",
        *_value_facts(),
        "",
        "// GPU kernels read none of the rest.",
        "#ifndef OPPARITY_GPU",
        *_names("kInputTypeNames", INPUT_DTYPES),
        *_names("kValueFormatNames", [*VALUE_FORMATS, "none"]),
        *_names("kScaleFormatNames", list(ScaleFormat)),
        *_names("kScaleRuleNames", list(ScaleRule)),
        *_names("kScaleLayoutNames", list(ScaleLayout)),
        *_names("kIntermediateNames", list(Intermediate)),
        *_names("kExpertLayoutNames", list(ExpertLayout)),
        *_recipes(),
        *_producer_facts(),
        *_rows(),
        "#endif",
        "",
        "}  // namespace opparity",
        "",
    ]
    return "\n".join(lines)


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.lower().split("_"))


def _members(enumeration: type[StrEnum]) -> list[str]:
    return [_camel(member.name) for member in enumeration]


def _for_each(what: str, names: list[str]) -> list[str]:
    return [f"#define OPPARITY_FOR_EACH_{what}(APPLY) " + " ".join(f"APPLY({n})" for n in names)]


def _enumeration(name: str, members: list[str]) -> list[str]:
    return [f"enum class {name} : int32_t {{ " + ", ".join(f"k{m}" for m in members) + " };"]


def _names(name: str, values: list[str] | tuple[str, ...]) -> list[str]:
    return [f"inline constexpr const char* {name}[] = {{" + ", ".join(map(_quoted, values)) + "};"]


def _flags(flags: Iterable[bool]) -> str:
    return ", ".join(str(flag).lower() for flag in flags)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _value_facts() -> list[str]:
    return [
        "struct ValueFacts {",
        "  int bits;",
        "  float maximum, lowest, minimum_scale;",
        "};",
        "inline constexpr ValueFacts kValueFacts[] = {"
        + ", ".join(
            f"{{{f.bits}, {f.maximum.hex()}f, {f.lowest.hex()}f, {f.minimum_scale.hex()}f}}"
            for f in VALUE_FORMATS.values()
        )
        + "};",
    ]


def _recipes() -> list[str]:
    """Return every recipe that operators take, in the order of strcmp."""
    functors = {f.name: f.functor for f in VALUE_FORMATS.values()} | {"none": "InputType"}
    lines = [
        f"inline constexpr const char* kRecipeNames = {_quoted(', '.join(RECIPES))};",
        "struct RecipeRow {",
        "  const char* text;",
        "  ValueFormat value;",
        "  // 0 without groups, -1 where a row is one.",
        "  int32_t group_size;",
        "  ScaleFormat scale;",
        "  ScaleRule rule;",
        "  ScaleLayout layout;",
        "};",
        "inline constexpr RecipeRow kRecipeRows[] = {",
    ]
    for text, recipe in sorted(accepted_recipes().items(), key=lambda item: item[0].encode()):
        size = -1 if recipe.by_token else recipe.group_size or 0
        lines.append(
            f"    {{{_quoted(text)}, ValueFormat::k{functors[recipe.value]}, "
            f"{size}, ScaleFormat::k{_camel(recipe.scale.name)}, "
            f"ScaleRule::k{_camel(recipe.rule.name)}, "
            f"ScaleLayout::k{_camel(recipe.layout.name)}}},"
        )
    return [*lines, "};"]


def _producer_facts() -> list[str]:
    lines = [
        "struct ProducerFacts {",
        "  const char* name;",
        "  const char* functor;",
        "  bool is_gated, reduces, takes_gate;",
        "  int parameter_count;",
        "  const char* parameters[kMostParameters];",
        "  bool is_positive[kMostParameters];",
        "  // 0 where it has to be given.",
        "  double defaults[kMostParameters];",
        "};",
        "inline constexpr ProducerFacts kProducerFacts[] = {",
    ]
    for producer in PRODUCERS:
        flags = (producer.gated, producer.reduces, producer.takes_gate)
        names = ", ".join(_quoted(p.name) for p in producer.parameters) or "nullptr"
        positive = ", ".join(str(p.positive).lower() for p in producer.parameters)
        defaults = ", ".join((p.default or 0.0).hex() for p in producer.parameters)
        lines.append(
            f"    {{{_quoted(producer.name)}, {_quoted(producer.functor)}, "
            f"{_flags(flags)}, {len(producer.parameters)}, {{{names}}}, "
            f"{{{positive}}}, {{{defaults}}}}},"
        )
    return [*lines, "};"]


def _rows() -> list[str]:
    return [
        f"inline constexpr int kMostArguments = {_MOST_ARGUMENTS};",
        "struct ArgumentRow {",
        "  const char* name;",
        "  Role role;",
        "  bool is_optional;",
        "};",
        "struct OperatorRow {",
        "  const char* name;",
        "  const char* qualified_name;",
        "  const char* definition;",
        "  Producer producer;",
        "  bool is_backward, mutates, is_swizzled, is_unquantised, is_interleaved;",
        "  bool is_by_token, is_in_place, bounds_amax, keeps_sum, has_columns, reads_sums;",
        "  bool quantises_gradient;",
        "  Intermediate intermediate;",
        "  ScaleRule rule;",
        "  ScaleFormat scale;",
        "  ExpertLayout experts;",
        "  // Of rows that are no expert's, 0 where they are left as they are.",
        "  float scale_of_others;",
        "  // Where neither an argument nor a tensor tells it; otherwise empty.",
        "  const char* recipe;",
        "  // What E8M0 scales are rounded up from at least.",
        "  float least_scale;",
        "  int argument_count;",
        "  ArgumentRow arguments[kMostArguments];",
        "};",
        "inline constexpr OperatorRow kOperatorRows[] = {",
        *(_row(operator) for operator in OPERATORS),
        "};",
    ]


def _row(operator: Operator) -> str:
    functor = {p.name: p.functor for p in PRODUCERS}[operator.producer]
    flags = (
        operator.direction is Direction.BACKWARD,
        operator.mutates,
        operator.swizzled,
        operator.unquantised,
        operator.interleaved,
        operator.by_token,
        operator.in_place,
        operator.bounds_amax,
        operator.keeps_sum,
        operator.has_columns,
        operator.reads_sums,
        operator.quantises_gradient,
    )
    arguments = operator.arguments
    listed = ", ".join(
        f"{{{_quoted(a.name)}, Role::k{_camel(a.role.name)}, {str(a.type.endswith('?')).lower()}}}"
        for a in arguments
    )
    return (
        f"    {{{_quoted(operator.name)}, {_quoted(operator.qualified_name)}, "
        f"{_quoted(operator.qualified_name + operator.schema)}, "
        f"Producer::k{functor}, {_flags(flags)}, "
        f"Intermediate::k{_camel(operator.intermediate.name)}, "
        f"ScaleRule::k{_camel(operator.rule.name)}, ScaleFormat::k{_camel(operator.scale.name)}, "
        f"ExpertLayout::k{_camel(operator.experts.name) if operator.experts else 'None'}, "
        f"{operator.scale_of_others.hex()}f, "
        f"{_quoted(operator.recipe)}, "
        f"{operator.least_scale.hex()}f, {len(arguments)}, {{{listed}}}}},"
    )


if __name__ == "__main__":
    main()
