"""`opparity history`: trees or a repository in, the life of one operator out."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 -- typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from opparity.endings import print_page, print_text, refusals, write_file
from opparity.history.formats import HistoryFormat
from opparity.words.language import Language

if TYPE_CHECKING:
    from opparity.history.model import OperatorHistory


def register(application: typer.Typer) -> None:
    """Add the command to the `opparity` command."""
    application.command()(history)


def history(
    trees: Annotated[
        list[Path],
        typer.Argument(
            metavar="REPOSITORY | TREE TREE...",
            help="A git repository, or releases: folders, sdists, zips.",
            show_default=False,
        ),
    ],
    *,
    operator: Annotated[
        str, typer.Option(metavar="NAME", help="The operator, with its library or without.")
    ],
    revision: Annotated[
        str, typer.Option(metavar="REV", help="The newest commit of a repository to look at.")
    ] = "HEAD",
    most: Annotated[
        int, typer.Option(min=1, help="Of a repository's commits, inspect so many at most.")
    ] = 60,
    platform: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:ARCHS]",
            help="A platform; repeatable. Default: every one that a tree's build knows.",
        ),
    ] = None,
    output_format: Annotated[
        HistoryFormat, typer.Option(help="How the history is written.")
    ] = HistoryFormat.TEXT,
    language: Annotated[
        Language, typer.Option(help="The language of the history's own words.")
    ] = Language.ENGLISH,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a timeline to an SVG file as well.")
    ] = None,
) -> None:
    """Show the life of one operator, commit by commit or release by release.

    Exit status: 0 shown, 2 could not: no such operator, tree or revision.
    """
    with refusals():
        from opparity.history.formats import renderer  # noqa: PLC0415
        from opparity.words.catalogue import catalogue  # noqa: PLC0415 -- quick --help

        found = _follow(trees, operator, tuple(platform or ()), revision, most)
        words = catalogue(language)
        if picture is not None:
            write_file(picture, renderer(HistoryFormat.SVG)(found, words))
        is_page = output_format in {HistoryFormat.HTML, HistoryFormat.SVG}
        (print_page if is_page else print_text)(renderer(output_format)(found, words))


def _follow(
    trees: list[Path], operator: str, platforms: tuple[str, ...], revision: str, most: int
) -> OperatorHistory:
    from opparity.history.commits import follow_commits  # noqa: PLC0415 -- quick --help
    from opparity.history.releases import follow_releases  # noqa: PLC0415
    from opparity.progress import Progress  # noqa: PLC0415

    if len(trees) == 1 and trees[0].is_dir():
        with Progress(1) as progress:
            return follow_commits(
                trees[0],
                operator,
                platforms,
                revision=revision,
                most=most,
                begin=progress.begin,
                say=progress.next,
            )
    with Progress(len(trees)) as progress:
        return follow_releases(trees, operator, platforms, progress.next)
