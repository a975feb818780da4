"""`opparity check` and `opparity matrix`: options in, text and an exit status out.

Each command imports what it needs when it runs, so that `opparity --help` stays quick.
"""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opparity.checker.options import (  # noqa: TC001 -- typer reads the annotations
    OutputFile,
    Platforms,
    Revision,
    Source,
)
from opparity.checker.reports import OutputFormat, Show
from opparity.checker.rule_commands import explain, rules
from opparity.collector import collector_paused
from opparity.endings import ExitStatus, print_page, print_text, refusals, write_file

if TYPE_CHECKING:
    from opparity.checker.results.configuration import Configuration
    from opparity.checker.results.report import Report
    from opparity.checker.results.request import Request


class MatrixFormat(StrEnum):
    """What `opparity matrix --output-format` takes."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


def register(application: typer.Typer) -> None:
    """Add the checker's commands to the `opparity` command."""
    application.command()(check)
    application.command()(matrix)
    application.command()(explain)
    application.command()(rules)


def check(
    path: Source = Path(),
    *,
    platform: Platforms = None,
    revision: Revision = None,
    output_format: Annotated[
        OutputFormat, typer.Option(help="How the report is written.")
    ] = OutputFormat.TEXT,
    output_file: OutputFile = None,
    show: Annotated[
        list[Show] | None,
        typer.Option(help="List these as well, where the text counts them; repeatable."),
    ] = None,
    statistics: Annotated[
        bool, typer.Option("--statistics", help="Print how often each rule speaks, and no more.")
    ] = False,
    show_files: Annotated[
        bool, typer.Option("--show-files", help="Print the files that would be read, and no more.")
    ] = False,
    select: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULES", help="Only these: codes, their beginnings, names; commas separate."
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="RULES", help="All but these; commas separate.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Findings accepted earlier.")
    ] = None,
    write_baseline: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Accept the findings of now, and exit 0.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="What cannot be decided is a finding.")
    ] = False,
    exit_zero: Annotated[
        bool, typer.Option("--exit-zero", help="Exit 0 even with findings.")
    ] = False,
) -> None:
    """Say what is declared, registered and called but not built, on each platform.

    A folder inside a project is checked with the project, and reported alone.
    Exit status: 0 clean, 1 findings, 2 could not check, 3 a bug of Opparity.
    """
    # Until the report is written: looking through the facts of vLLM 0.33.0 takes 0.1 s.
    with refusals(), collector_paused():
        from opparity.checker.reports import counts  # noqa: PLC0415 -- quick --help
        from opparity.checker.reports.writing import render  # noqa: PLC0415
        from opparity.checker.results.basis import refuse_nothing  # noqa: PLC0415
        from opparity.checker.results.configured_tree import open_configured  # noqa: PLC0415
        from opparity.checker.results.inspection import inspect_tree  # noqa: PLC0415
        from opparity.checker.results.projects import project_of  # noqa: PLC0415
        from opparity.checker.results.request import request_of  # noqa: PLC0415

        root = project_of(path)
        tree, configuration = open_configured(root, revision)
        request = request_of(
            configuration,
            platforms=platform or [],
            select=_words(select),
            ignore=_words(ignore),
            is_strict=strict,
        )
        if write_baseline is None:
            request = _with_baseline(request, configuration, root, baseline)
        if show_files:
            from opparity.checker.results.show_files import files_of  # noqa: PLC0415

            _write(output_file, files_of(tree, root, path))
            return
        report = _placed(inspect_tree(tree, request), root, path)
        refuse_nothing(report.basis)
        if write_baseline is not None:
            _write_baseline(write_baseline, report)
            return
        if statistics:
            _write(output_file, counts.render(report, output_format))
        else:
            _write(output_file, render(report, output_format, frozenset(show or ()), output_file))
    if report.fails and not exit_zero:
        raise typer.Exit(ExitStatus.FINDINGS)


def matrix(
    path: Source = Path(),
    platform: Platforms = None,
    revision: Revision = None,
    output_format: Annotated[
        MatrixFormat, typer.Option(help="How the matrix is written.")
    ] = MatrixFormat.TEXT,
    output_file: OutputFile = None,
) -> None:
    """Print operator by platform: declared, registered, implemented, built, called.

    Of a folder inside a project, the matrix is that of the project.
    """
    with refusals():
        from opparity.checker.analysis.matrix import build_matrix  # noqa: PLC0415 -- quick --help
        from opparity.checker.analysis.reading import read_project  # noqa: PLC0415
        from opparity.checker.analysis.services import Analysis  # noqa: PLC0415
        from opparity.checker.reports import matrix as reports  # noqa: PLC0415
        from opparity.checker.results.configured_tree import open_configured, parse_platforms  # noqa: PLC0415
        from opparity.checker.results.projects import project_of  # noqa: PLC0415

        tree, configuration = open_configured(project_of(path), revision)
        project = read_project(tree, parse_platforms(platform or configuration.platforms))
        found = build_matrix(Analysis(project))
        match output_format:
            case MatrixFormat.TEXT:
                _write(output_file, reports.render_text(found))
            case MatrixFormat.JSON:
                _write(output_file, reports.render_json(project.name, found))
            case MatrixFormat.MARKDOWN:
                _write(output_file, reports.render_markdown(found))
            case MatrixFormat.HTML:
                from opparity.pages.matrix import render  # noqa: PLC0415 -- loads jinja2

                _write(output_file, render(project.name, found), is_page=True)


def _write(path: Path | None, text: str, *, is_page: bool = False) -> None:
    if path is not None:
        write_file(path, text)
    else:
        (print_page if is_page else print_text)(text)


def _words(options: list[str] | None) -> list[str]:
    return [word.strip() for each in options or () for word in each.split(",") if word.strip()]


def _with_baseline(
    request: Request, configuration: Configuration, root: Path, baseline: Path | None
) -> Request:
    from dataclasses import replace  # noqa: PLC0415

    from opparity.checker.results.baseline import baseline_of, read_baseline  # noqa: PLC0415

    if baseline is None and configuration.baseline:
        above = "../" * configuration.inner.count("/")
        baseline = baseline_of(root / above, configuration.baseline)
    if baseline is None:
        return request
    accepted = read_baseline(baseline)
    # Findings about it are placed as all others are, relative to the tree.
    named = Path(os.path.relpath(baseline, root)) if root.is_dir() else baseline
    return replace(request, baseline=accepted, baseline_path=named.as_posix())


def _placed(report: Report, root: Path, path: Path) -> Report:
    """Have paths reported from the current folder, and a subfolder of the project alone."""
    from dataclasses import replace  # noqa: PLC0415

    from opparity.checker.results.projects import reported_within  # noqa: PLC0415

    if not root.is_dir():
        return report
    here, tree = Path.cwd(), root.resolve()
    if tree.is_relative_to(here):
        inner = tree.relative_to(here).as_posix()
        report = replace(report, prefix="" if inner == "." else f"{inner}/")
    elif here.is_relative_to(tree):
        report = replace(report, start=here.relative_to(tree).as_posix())
    within = path.resolve().relative_to(tree).as_posix() if path is not root else "."
    return report if within == "." else reported_within(report, within)


def _write_baseline(path: Path, report: Report) -> None:
    from opparity.checker.results.baseline import write_baseline  # noqa: PLC0415
    from opparity.checker.results.report import plural  # noqa: PLC0415

    write_file(path, write_baseline(report.findings))
    sys.stderr.write(f"opparity: {path} accepts {plural(len(report.entries), 'finding')}\n")
