"""Files with bindings that no build lists, each as if it were a library of its own.

A program compiles them while it runs, or a build that is not understood. What a file says of itself
and of the headers that it includes holds all the same.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from opparity.checker.facts.builds import Source, Target
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.places import Location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Link
    from opparity.checker.analysis.services import Analysis


def loose_links(analysis: Analysis) -> Iterator[Link]:
    """Yield the link of each such file, on the first platform of the tree."""
    listed = analysis.basis.listed
    for path in analysis.basis.binding_files:
        if path not in listed and analysis.project.platforms:
            place = Location(path, 1)
            target = Target(
                posixpath.basename(path).partition(".")[0],
                "jit",
                (Source(path, place),),
                place,
                is_complete=Truth.UNKNOWN,
                built=Truth.UNKNOWN,
            )
            yield analysis.linker.link_of(analysis.project.platforms[0], target)
