"""Operators' schemas: `name(Tensor! x, int n=1, *, float? e=None) -> ()`."""

from __future__ import annotations

import re

from opparity.checker.facts.records import fact

_SIGN = re.compile(r"[,()\[\]]")


@fact
class Argument:
    """An argument of a schema; `by_keyword` behind the star."""

    name: str
    has_default: bool
    by_keyword: bool = False


def split_arguments(schema: str) -> list[str] | None:
    """Return the arguments between a schema's brackets; None for an unfinished schema."""
    start = schema.find("(")
    if start < 0:
        return None
    parts: list[str] = []
    depth, begun = 0, start + 1
    for sign in _SIGN.finditer(schema, begun):
        character, position = sign[0], sign.start()
        if depth == 0 and character in ",)":
            part = schema[begun:position].strip()
            if part and part != "*":
                parts.append(part)
            if character == ")":
                return parts
            begun = position + 1
        depth += (character in "([") - (character in ")]")
    return None


def overload_of(schema: str) -> str:
    """Return the overload that a schema is of: "out" of `demo::scale.out(…)`; "" for none."""
    name = schema.partition("(")[0].strip().rpartition("::")[2]
    return name.partition(".")[2]


def returned_by(schema: str) -> int | None:
    """Return how many values a schema returns; None for an unfinished schema."""
    types = returned_types(schema)
    return None if types is None else len(types)


def returned_types(schema: str) -> list[str] | None:
    """Return the types of what a schema returns, names included; None for an unfinished schema."""
    _, arrow, returned = schema.rpartition("->")
    bare = returned.strip()
    if not arrow or not bare:
        return None
    return (split_arguments(bare) or []) if bare.startswith("(") else [bare]


def parameters_of(schema: str) -> tuple[Argument, ...] | None:
    """Return the arguments of a schema with their names; None for an unfinished schema."""
    parts = split_arguments(schema)
    if parts is None or "->" not in schema:
        return None
    star = schema.partition("(")[2].replace(" ", "").find(",*,")
    behind = star >= 0 or schema.partition("(")[2].lstrip().startswith("*,")
    ahead = len(split_arguments(_before_star(schema)) or []) if behind else len(parts)
    return tuple(
        Argument(part.partition("=")[0].split()[-1], "=" in part, by_keyword=index >= ahead)
        for index, part in enumerate(parts)
        if part.partition("=")[0].split()
    )


def _before_star(schema: str) -> str:
    """Return a schema without what stands behind its star."""
    depth = 0
    for position, character in enumerate(schema):
        depth += (character in "([") - (character in ")]")
        if character == "*" and depth == 1:
            return schema[:position].rstrip(", ") + ")"
    return schema


def arguments_of(schema: str) -> list[str] | None:
    """Return the types of a schema's arguments; None for an unfinished schema."""
    parts = split_arguments(schema)
    if parts is None:
        return None
    return [part.partition("=")[0].rpartition(" ")[0].strip() or part for part in parts]
