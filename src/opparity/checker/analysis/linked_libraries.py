"""Libraries that a target links and that no build of the tree is known to make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.nowhere import LIBRARY_OF_TOOLKITS

if TYPE_CHECKING:
    from opparity.checker.analysis.linking import Link
    from opparity.checker.analysis.project import Project


def unmade_in(project: Project, link: Link) -> tuple[str, ...]:
    """Return the tree's folders with libraries that a target links and no known build makes.

    A Makefile that is not read may make them, of any source of the tree.
    """
    made = {target.name for target in project.targets_on(link.platform)}
    made |= {name.removeprefix("lib") for name in made}
    unmade = (
        name
        for name in link.target.libraries
        if name not in made and not LIBRARY_OF_TOOLKITS.match(name)
    )
    return link.target.library_folders if any(unmade) else ()
