"""Names inside a tree: relative, forward slashes, printable, and never outside the tree."""

from __future__ import annotations

# Deeper than any source tree (flash-attention's CUTLASS copy has 12 levels), and shallow enough
# that nothing which walks a path can run out of stack.
DEEPEST = 64
# Linux's PATH_MAX: a longer name cannot have been a file of a working checkout.
LONGEST = 4096


def printable(text: str) -> str:
    """Return the text with every control character and lone surrogate as a backslash escape.

    A hostile tree must not be able to move the terminal's cursor, nor to end a line of a report.
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "backslashreplace").decode("ascii")
        for character in text
    )


def inside(name: str) -> str | None:
    """Return an archive member's name as a path inside the tree, or nothing if it leads outside."""
    if "\\" in name or "\0" in name or len(name) > LONGEST or name.startswith("/"):
        return None
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if not parts or ".." in parts or len(parts) > DEEPEST or parts[0].endswith(":"):
        return None
    return printable("/".join(parts))


def target_of_link(path: str, target: str) -> str | None:
    """Return the path that a symbolic link at `path` names, or nothing if it leads outside."""
    if target.startswith("/") or len(target) > LONGEST:
        return None
    parts = path.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return inside("/".join(parts))
