"""Operators' schemas: `name(Tensor! x, int n=1, *, float? e=None) -> ()`."""

from __future__ import annotations


def split_arguments(schema: str) -> list[str] | None:
    """Return the arguments between a schema's brackets; None for an unfinished schema."""
    start = schema.find("(")
    if start < 0:
        return None
    parts, depth = [""], 0
    for character in schema[start + 1 :]:
        if character == ")" and depth == 0:
            return [part.strip() for part in parts if part.strip() and part.strip() != "*"]
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return None


def arguments_of(schema: str) -> list[str] | None:
    """Return the types of a schema's arguments; None for an unfinished schema."""
    parts = split_arguments(schema)
    if parts is None:
        return None
    return [part.partition("=")[0].rpartition(" ")[0].strip() or part for part in parts]


def counts_of(schema: str) -> tuple[int, int] | None:
    """Return the smallest and largest number of arguments that a call may give."""
    parts = split_arguments(schema)
    if parts is None:
        return None
    required = sum("=" not in part for part in parts)
    return required, len(parts)
