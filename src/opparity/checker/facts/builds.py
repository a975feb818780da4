"""What build descriptions say: targets, their sources, their macros."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.records import fact

if TYPE_CHECKING:
    from opparity.checker.facts.places import Location, Problem

# Stands in a target's name for what is known only when the build is configured.
UNKNOWN_PART = "…"


@fact
class Source:
    """A file in a target's source list.

    Attributes:
        path: relative to the root; the name that the build gives, before any hipify.
        location: where the list names it.
        built: TRUE, or UNKNOWN where it hangs on something that could not be decided.
    """

    path: str
    location: Location
    built: Truth = Truth.TRUE


@fact
class MacroSetting:
    """A macro that the build defines on the compiler's command line.

    Attributes:
        languages: compile languages that get it ("CXX", "CUDA", "HIP"); empty for all.
        sources: paths that get it; empty for all of the target.
        is_set: UNKNOWN where it hangs on something that could not be decided.
        removed: `-UNAME`.
    """

    name: str
    value: str
    location: Location
    languages: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    is_set: Truth = Truth.TRUE
    removed: bool = False


@fact
class Target:
    """A library or module as one platform's build makes it.

    Attributes:
        name: the build's name of it ("_C", "vllm._C").
        output: the name of the file that it makes, where the build gives it another one.
        kind: "module", "shared", "static", "object", "executable", "jit".
        is_complete: FALSE where it also has sources from outside the tree (FetchContent,
            generators); UNKNOWN where its list may hold any file.
        absent: what a list names in the folders of the tree, and no file of the tree is.
        links: other targets of the tree that it links or takes objects from.
        is_hidden: its functions are for itself alone, unless they say otherwise.
        libraries: what it links by name where some of it may lie in the tree; and
        library_folders: the tree's folders where it may lie.
    """

    name: str
    kind: str
    sources: tuple[Source, ...]
    location: Location
    macros: tuple[MacroSetting, ...] = ()
    is_complete: Truth = Truth.TRUE
    absent: tuple[Source, ...] = ()
    links: tuple[str, ...] = ()
    built: Truth = Truth.TRUE
    is_hidden: bool = False
    libraries: tuple[str, ...] = ()
    library_folders: tuple[str, ...] = ()
    output: str = ""


@fact
class Choice:
    """An option of a build, set to something else than its default.

    Attributes:
        is_offered: it switches on what the default leaves out.
    """

    name: str
    value: str
    location: Location
    is_offered: bool = False

    def __str__(self) -> str:
        return f"-D{self.name}={self.value}"


@fact
class Build:
    """One build description evaluated for one platform.

    Attributes:
        choice: the option with which it was evaluated, where that is not the default.
        is_refused: nobody can run the description: it is no Python, for one.
    """

    description: str
    platform: str
    targets: tuple[Target, ...] = ()
    problems: tuple[Problem, ...] = ()
    choice: Choice | None = None
    is_refused: bool = False


@fact
class MissingTorch:
    """A setup.py that imports torch, and the requirements of its build, which lack it.

    Attributes:
        imported: where it imports torch; and
        is_caught: it goes on where that fails.
        required: where pyproject.toml has the requirements.
    """

    imported: Location
    is_caught: bool
    required: Location
