"""Write the tables of implementations into docs/operators: python tools/write_implementations.py.

`--check` writes nothing and ends with status 1 where a page is not current.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from opparity.operators import OPERATORS
from opparity.platforms import Platform

if TYPE_CHECKING:
    from opparity.operators.declaration import Operator

PAGES = Path(__file__).parents[1] / "docs" / "operators"
PLACE = re.compile(
    r"(<!-- implementations: .*? -->\n).*?(<!-- end of implementations -->)", re.DOTALL
)


def table(operator: Operator) -> str:
    """Return the operator's implementations in Markdown, for each platform in order."""
    lines = ["| platform | implementations, in order of preference |", "| --- | --- |"]
    for platform in Platform:
        names = [
            f"`{implementation.provider}`"
            for implementation in operator.implementations
            if platform in implementation.platforms
        ]
        lines.append(f"| {platform} | {', '.join(names)} |")
    return "\n".join(lines) + "\n"


def current(operator: Operator) -> tuple[Path, str, str]:
    """Return an operator's page, what it holds and what it should hold."""
    path = PAGES / f"{operator.name}.md"
    text = path.read_text("utf-8")
    written, count = PLACE.subn(lambda found: found[1] + table(operator) + found[2], text)
    if count != 1:
        raise SystemExit(f"{path}: it needs the place for the table once, and has it {count} times")
    return path, text, written


def main() -> None:
    """Write the pages, or check them."""
    for operator in OPERATORS:
        path, text, written = current(operator)
        if text == written:
            continue
        if "--check" in sys.argv:
            raise SystemExit(f"{path} is not current; run python tools/write_implementations.py")
        path.write_text(written, "utf-8")
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
