"""`opparity explain` and `opparity rules`: the rules' own pages."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 -- typer reads the annotations
from typing import Annotated

import typer

from opparity.endings import print_text, refusals
from opparity.output_formats import FormerFormat, ListFormat, list_format


def explain(
    code: Annotated[str, typer.Argument(help="A rule's code or name.", show_default=False)],
    output_format: Annotated[
        ListFormat, typer.Option(help="How the page is written.")
    ] = ListFormat.TEXT,
    former: FormerFormat = None,
) -> None:
    """Print a rule's page: what it says, why it matters, what to do."""
    with refusals():
        from opparity.checker.reports import explanation  # noqa: PLC0415 -- quick --help
        from opparity.checker.results.selection import find_rule  # noqa: PLC0415
        from opparity.checker.rules.table import RULES  # noqa: PLC0415

        rule = find_rule(code, RULES)
        if list_format(output_format, former=former) is ListFormat.JSON:
            print_text(explanation.as_json(rule))
        else:
            print_text(explanation.page(rule))


def rules(
    output_format: Annotated[
        ListFormat, typer.Option(help="How the list is written.")
    ] = ListFormat.TEXT,
    former: FormerFormat = None,
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
        elif list_format(output_format, former=former) is ListFormat.JSON:
            print_text(explanation.table_as_json(RULES))
        else:
            print_text(explanation.table_as_text(RULES))
