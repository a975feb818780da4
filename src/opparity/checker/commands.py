"""`opparity check`, `matrix`, `explain` and `rules`: options in, text and an exit status out.

Each command imports what it needs when it runs, so that `opparity --help` stays quick.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opparity.checker.reports import OutputFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.results.baseline import Entry
    from opparity.checker.results.configuration import Configuration
    from opparity.checker.results.inspection import Request
    from opparity.checker.rules.findings import Finding


class ExitStatus(IntEnum):
    """What the status of `opparity check` says."""

    CLEAN = 0
    """The tree was checked, and there is neither an error nor a warning."""

    FINDINGS = 1
    """The tree was checked, and there is at least one error or warning."""

    NOT_CHECKED = 2
    """The tree could not be checked: a wrong option, setting or input, said on standard error."""


class MatrixFormat(StrEnum):
    """What `opparity matrix --output-format` takes."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


class ListFormat(StrEnum):
    """What `opparity explain --format` and `opparity rules --format` take."""

    TEXT = "text"
    JSON = "json"


_Source = Annotated[
    Path, typer.Argument(help="A source tree: a folder, an sdist, a zip.", show_default=False)
]
_Platforms = Annotated[
    list[str] | None,
    typer.Option(
        "--platform",
        metavar="NAME[:ARCHS]",
        help="A platform to check, e.g. rocm, cuda:9.0,12.0; repeatable. "
        "Default: every one that the tree's build knows.",
    ),
]
_Revision = Annotated[
    str | None,
    typer.Option(
        "--revision", metavar="REV", help="A git revision of PATH; nothing is checked out."
    ),
]


def register(application: typer.Typer) -> None:
    """Add the checker's commands to the `opparity` command."""
    application.command()(check)
    application.command()(matrix)
    application.command()(explain)
    application.command()(rules)


def check(
    path: _Source = Path(),
    *,
    platform: _Platforms = None,
    revision: _Revision = None,
    output_format: Annotated[
        OutputFormat, typer.Option(help="How the report is written.")
    ] = OutputFormat.TEXT,
    select: Annotated[
        list[str] | None,
        typer.Option(metavar="RULES", help="Only these: codes, families, names; commas separate."),
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

    Exit status: 0 clean, 1 findings, 2 could not check.
    """
    with refusals():
        from opparity.checker.reports import renderer  # noqa: PLC0415
        from opparity.checker.results.basis import refuse_nothing  # noqa: PLC0415
        from opparity.checker.results.configured_tree import open_configured  # noqa: PLC0415
        from opparity.checker.results.inspection import inspect_tree  # noqa: PLC0415 -- quick --help

        tree, configuration = open_configured(path, revision)
        request = _request(
            configuration,
            platforms=platform or [],
            select=_words(select),
            ignore=_words(ignore),
            is_strict=strict,
        )
        if write_baseline is None:
            request = _with_baseline(request, configuration, path, baseline)
        report = inspect_tree(tree, _with_prefix(request, path))
        refuse_nothing(report.basis)
        if write_baseline is not None:
            _write_baseline(write_baseline, report.findings)
            return
        print_text(renderer(output_format)(report))
    if report.fails and not exit_zero:
        raise typer.Exit(ExitStatus.FINDINGS)


def matrix(
    path: _Source = Path(),
    platform: _Platforms = None,
    revision: _Revision = None,
    output_format: Annotated[
        MatrixFormat, typer.Option(help="How the matrix is written.")
    ] = MatrixFormat.TEXT,
) -> None:
    """Print operator by platform: declared, registered, implemented, built, called."""
    with refusals():
        from opparity.checker.analysis.matrix import build_matrix  # noqa: PLC0415 -- quick --help
        from opparity.checker.analysis.reading import read_project  # noqa: PLC0415
        from opparity.checker.analysis.services import Analysis  # noqa: PLC0415
        from opparity.checker.reports import matrix as reports  # noqa: PLC0415
        from opparity.checker.results.configured_tree import open_configured, parse_platforms  # noqa: PLC0415

        tree, configuration = open_configured(path, revision)
        project = read_project(tree, parse_platforms(platform or configuration.platforms))
        found = build_matrix(Analysis(project))
        match output_format:
            case MatrixFormat.TEXT:
                print_text(reports.render_text(found))
            case MatrixFormat.JSON:
                print_text(reports.render_json(project.name, found))
            case MatrixFormat.MARKDOWN:
                print_text(reports.render_markdown(found))
            case MatrixFormat.HTML:
                from opparity.pages.matrix import render  # noqa: PLC0415 -- loads jinja2

                print_page(render(project.name, found))


def explain(
    code: Annotated[str, typer.Argument(help="A rule's code or name.", show_default=False)],
    output_format: Annotated[
        ListFormat, typer.Option("--format", help="How the page is written.")
    ] = ListFormat.TEXT,
) -> None:
    """Print a rule's page: what it says, why it matters, what to do."""
    with refusals():
        import json  # noqa: PLC0415 -- quick --help

        from opparity.checker.reports import explanation  # noqa: PLC0415
        from opparity.checker.results.selection import find_rule  # noqa: PLC0415
        from opparity.checker.rules.table import RULES  # noqa: PLC0415

        rule = find_rule(code, RULES)
        if output_format is ListFormat.JSON:
            print_text(json.dumps(explanation.as_json(rule), indent=2) + "\n")
        else:
            print_text(explanation.page(rule))


def rules(
    output_format: Annotated[
        ListFormat, typer.Option("--format", help="How the list is written.")
    ] = ListFormat.TEXT,
    write_docs: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write a page a rule to a folder.")
    ] = None,
) -> None:
    """List the rules: code, severity, name, what each says."""
    with refusals():
        from opparity.checker.reports import explanation  # noqa: PLC0415 -- quick --help
        from opparity.checker.rules.table import RULES  # noqa: PLC0415

        if write_docs is not None:
            explanation.write_pages(RULES, write_docs)
        elif output_format is ListFormat.JSON:
            print_text(explanation.table_as_json(RULES))
        else:
            print_text(explanation.table_as_text(RULES))


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what Opparity refuses into a line on standard error and exit status 2."""
    from opparity.checker.tree.names import printable  # noqa: PLC0415 -- quick --help
    from opparity.errors import OpparityError  # noqa: PLC0415

    try:
        yield
    except (OpparityError, OSError) as error:
        sys.stderr.write(f"opparity: {printable(str(error))}\n")
        raise typer.Exit(ExitStatus.NOT_CHECKED) from error


def print_text(text: str) -> None:
    """Write to standard output; what its encoding cannot hold becomes an escape."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))


def print_page(text: str) -> None:
    """Write what says itself that it is UTF-8 to standard output, whatever that is encoded in."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8"))


def _words(options: list[str] | None) -> list[str]:
    return [word.strip() for each in options or () for word in each.split(",") if word.strip()]


def _request(
    configuration: Configuration,
    *,
    platforms: list[str],
    select: list[str],
    ignore: list[str],
    is_strict: bool,
) -> Request:
    """Return what is asked of the check; the command line goes before the configuration."""
    from opparity.checker.results.configured_tree import parse_platforms  # noqa: PLC0415
    from opparity.checker.results.inspection import Request  # noqa: PLC0415
    from opparity.checker.results.selection import select_rules  # noqa: PLC0415
    from opparity.checker.rules.table import RULES  # noqa: PLC0415

    return Request(
        platforms=parse_platforms(platforms or configuration.platforms),
        rules=select_rules(RULES, select or configuration.select, [*ignore, *configuration.ignore]),
        is_narrowed=bool(platforms or select or ignore),
        is_strict=is_strict or configuration.strict,
    )


def _with_baseline(
    request: Request, configuration: Configuration, path: Path, baseline: Path | None
) -> Request:
    from dataclasses import replace  # noqa: PLC0415

    from opparity.checker.results.baseline import read_baseline  # noqa: PLC0415

    if baseline is None and configuration.baseline:
        baseline = path / configuration.baseline
    if baseline is None:
        return request
    accepted: dict[Entry, int] = read_baseline(baseline)
    return replace(request, baseline=accepted, baseline_path=baseline.as_posix())


def _with_prefix(request: Request, path: Path) -> Request:
    """Have paths reported from the current folder, where the tree is a folder inside it."""
    from dataclasses import replace  # noqa: PLC0415

    here = Path.cwd()
    tree = path.resolve()
    if not path.is_dir() or not tree.is_relative_to(here):
        return request
    inner = tree.relative_to(here).as_posix()
    return replace(request, prefix="" if inner == "." else f"{inner}/")


def _write_baseline(path: Path, findings: tuple[Finding, ...]) -> None:
    from opparity.checker.results.baseline import write_baseline  # noqa: PLC0415

    path.write_text(write_baseline(findings), "utf-8")
    sys.stderr.write(f"opparity: {path} accepts {len(findings)} findings\n")
