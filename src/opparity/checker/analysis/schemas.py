"""Operators' schemas: `name(Tensor! x, int n=1, *, float? e=None) -> ()`."""

from __future__ import annotations

import re

from opparity.checker.facts.records import fact

_SIGN = re.compile(r"[,()\[\]]")
# What torch's parser says it does not know; its own words for int64_t and double are int and float.
_NO_TYPES = frozenset(
    (
        *("int8_t", "int16_t", "int32_t", "int64_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t"),
        *("long", "short", "char", "unsigned", "signed", "size_t", "double", "half", "void"),
        *("string", "string_view", "vector", "tuple", "optional", "const", "tensor", "boolean"),
        *("integer", "TensorList", "IntArrayRef", "ArrayRef", "Int", "Float", "Bool", "String"),
    )
)
_OF_CPP = re.compile(r"[&<>]|::")
_MARKS = re.compile(r"\([^()]*\)|\[\d*\]|[?!]")
_LAST_COMMA = re.compile(r",\s*\)\s*(?:->|$)")


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


def unreadable_in(schema: str) -> str:
    """Return the type in a schema, or the comma, that torch's parser refuses; "" where it may not.

    An unfinished schema is none of torch's yet.
    """
    arguments, returned = arguments_of(schema), returned_types(schema)
    if arguments is None or returned is None:
        return ""
    for written in (*arguments, *(each.partition(" ")[0] for each in returned)):
        bare = _MARKS.sub("", written).strip()
        if _OF_CPP.search(bare) or not _NO_TYPES.isdisjoint(bare.split()):
            return bare
    return "," if _LAST_COMMA.search(schema) else ""
