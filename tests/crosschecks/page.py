"""Every comparison, and the part of docs/crosschecks.md that lists them.

`python -m crosschecks.page` with tests on the path writes that part anew; `make crosschecks` tests
that it is current.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

# Where `make crosschecks` installs the peers, beside the environment's own packages.
sys.path.append(str(Path(sys.prefix) / "crosschecks"))

from crosschecks import (
    compressed_tensors_formats,
    published_rules,
    torch_casts,
    torchao_formats,
    vllm_references,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosschecks.comparison import Comparison, Found

PAGE = Path(__file__).parents[2] / "docs" / "crosschecks.md"
COMPARISONS: tuple[Comparison, ...] = (
    *torch_casts.COMPARISONS,
    *torchao_formats.COMPARISONS,
    *compressed_tensors_formats.COMPARISONS,
    *published_rules.COMPARISONS,
    *vllm_references.COMPARISONS,
)
_BEGIN, _END = "<!-- what follows is written by tests/crosschecks/page.py -->", "<!-- to here -->"


@cache
def found_by(comparison: Comparison) -> Mapping[str, Found]:
    """Return what a comparison finds, once a process."""
    return comparison.run()


def section() -> str:
    """Return the tables, one for each peer."""
    lines: list[str] = []
    for peer in dict.fromkeys(comparison.peer for comparison in COMPARISONS):
        lines += [f"### {peer}", "", "| compared | differ | where and why |", "| --- | --- | --- |"]
        for comparison in COMPARISONS:
            if comparison.peer == peer:
                counts = "; ".join(
                    f"{found.differ:,} of {found.values:,} {kind}"
                    for kind, found in found_by(comparison).items()
                )
                lines.append(f"| {comparison.what} | {counts} | {comparison.why} |")
        lines.append("")
    return "\n".join(lines)


def parts() -> tuple[str, str, str]:
    """Return the page before, between and after the marks."""
    before, _, rest = PAGE.read_text("utf-8").partition(f"{_BEGIN}\n\n")
    between, _, after = rest.partition(f"\n{_END}")
    return before, between, after


if __name__ == "__main__":
    before, _, after = parts()
    PAGE.write_text(f"{before}{_BEGIN}\n\n{section()}\n{_END}{after}", encoding="utf-8")
    print(f"wrote {PAGE}")  # noqa: T201 -- a command
