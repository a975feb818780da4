"""`opparity report`: options in, a report out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from opparity.change.formats import ReportFormat
from opparity.endings import ExitStatus, print_page, print_text, refusals, write_file
from opparity.errors import OpparityError
from opparity.words.language import Language

# A pull request's text has at most 65,536 characters; a larger file is none.
_LONGEST_DESCRIPTION = 4_000_000


class FormatRefused(OpparityError, ValueError):
    """`--write` names no format, or no file."""

    message = "--write {given!r}: allowed are {allowed}"


def register(application: typer.Typer) -> None:
    """Add the command to the `opparity` command."""
    application.command()(report)


def report(
    revisions: Annotated[
        str | None,
        typer.Argument(
            metavar="BASE..HEAD",
            help="Two git revisions; BASE...HEAD begins where they parted. Nothing is checked out.",
            show_default=False,
        ),
    ] = None,
    *,
    repository: Annotated[
        Path, typer.Option(metavar="FOLDER", help="The git repository, or a folder of it.")
    ] = Path(),
    before: Annotated[
        Path | None, typer.Option(metavar="TREE", help="A folder, an sdist or a zip.")
    ] = None,
    after: Annotated[
        Path | None, typer.Option(metavar="TREE", help="The tree to compare it with.")
    ] = None,
    platform: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:ARCHS]",
            help="A platform, e.g. rocm, cuda:9.0,12.0; repeatable. "
            "Default: every one that a tree's build knows.",
        ),
    ] = None,
    output_format: Annotated[
        ReportFormat, typer.Option(help="How the report is written.")
    ] = ReportFormat.MARKDOWN,
    language: Annotated[
        Language, typer.Option(help="The language of the report's own words.")
    ] = Language.ENGLISH,
    description: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The pull request's text; - is standard input."),
    ] = None,
    comments: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The comments of its review, as GitHub's API gives them in JSON."
        ),
    ] = None,
    related: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Earlier changes to list, in TOML.")
    ] = None,
    earlier: Annotated[
        list[Path] | None,
        typer.Option(metavar="TREE", help="A release before --before, oldest first; repeatable."),
    ] = None,
    write: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FORMAT=FILE", help="Write a further format to a file, e.g. html=report.html."
        ),
    ] = None,
    fail: Annotated[
        bool,
        typer.Option(
            "--fail",
            help="Exit 1 for an error that is new or hidden, and for a build no longer understood.",
        ),
    ] = False,
    trust_head: Annotated[
        bool,
        typer.Option(
            "--trust-head",
            help="Accept what the tree after hides, and what is not understood of it any more.",
        ),
    ] = False,
) -> None:
    """Say what a change does to each platform.

    Exit status: 0 reported, 1 with --fail where an error is introduced or hidden, 2 could not
    report, 3 a bug of Opparity.
    """
    with refusals():
        from opparity.change.compose import Sources, compose  # noqa: PLC0415 -- quick --help
        from opparity.change.formats import renderer  # noqa: PLC0415
        from opparity.progress import Progress  # noqa: PLC0415
        from opparity.words.catalogue import catalogue  # noqa: PLC0415

        sources = Sources(
            folder=repository,
            revisions=revisions or "",
            before=before,
            after=after,
            earlier=tuple(earlier or ()),
            related=related,
            description=_description(description),
            comments=comments,
            platforms=tuple(platform or ()),
            is_head_trusted=trust_head,
        )
        files = [_further(each) for each in write or ()]
        with Progress(2 + len(sources.earlier)) as progress:
            found = compose(sources, progress.next)
        words = catalogue(language)
        for further, path in files:
            write_file(path, renderer(further)(found, words))
        is_page = output_format is ReportFormat.HTML
        (print_page if is_page else print_text)(renderer(output_format)(found, words))
    if fail and found.review.fails:
        raise typer.Exit(ExitStatus.FINDINGS)


def _further(given: str) -> tuple[ReportFormat, Path]:
    """Return what `--write` asks for."""
    name, _, path = given.partition("=")
    if name not in set(ReportFormat) or not path:
        raise FormatRefused(given=given, allowed=", ".join(f"{each}=FILE" for each in ReportFormat))
    return ReportFormat(name), Path(path)


def _description(path: Path | None) -> str:
    if path is None:
        return ""
    if str(path) == "-":
        return sys.stdin.buffer.read(_LONGEST_DESCRIPTION).decode("utf-8", "replace")
    with path.open("rb") as file:
        return file.read(_LONGEST_DESCRIPTION).decode("utf-8", "replace")
