"""The rules' own pages: for `opparity explain`, `opparity rules` and docs/rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from opparity.checker.rules.base import Rule

SCHEMA_VERSION = 1


def page(rule: type[Rule]) -> str:
    """Return a rule's page as Markdown, the same for docs and `opparity explain`."""
    return f"# {rule.code} {rule.name}\n\nSeverity: {rule.severity.value}.\n\n{rule.page()}\n"


def as_json(rule: type[Rule]) -> str:
    """Return a rule for programs: docs/schemas/explain.schema.json describes it."""
    return _document(_record(rule))


def _document(content: dict[str, Any]) -> str:
    return json.dumps({"schema_version": SCHEMA_VERSION, **content}, indent=2) + "\n"


def _record(rule: type[Rule]) -> dict[str, Any]:
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity.value,
        "summary": rule.summary(),
        "remedy": rule.remedy(),
        "page": rule.page(),
    }


def table_as_json(rules: Iterable[type[Rule]]) -> str:
    """Return every rule for programs: docs/schemas/rules.schema.json describes it."""
    return _document({"rules": [_record(rule) for rule in rules]})


def table_as_text(rules: Iterable[type[Rule]]) -> str:
    """Return one line a rule: code, severity, name, summary."""
    rows = [(rule.code, rule.severity.value, rule.name, rule.summary()) for rule in rules]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    return "".join(
        f"{code:{widths[0]}}  {severity:{widths[1]}}  {name:{widths[2]}}  {summary}\n"
        for code, severity, name, summary in rows
    )


def pages(rules: Iterable[type[Rule]]) -> dict[str, str]:
    """Return the files of docs/rules: a page a rule, and the index."""
    ordered = sorted(rules, key=lambda rule: rule.code)
    files = {f"{rule.code}.md": page(rule) for rule in ordered}
    lines = [
        "# Rules",
        "",
        "Written by `opparity rules --write-docs docs/rules` from the rules' docstrings.",
        "",
        "| code | name | severity | |",
        "| --- | --- | --- | --- |",
        *(
            f"| [{rule.code}]({rule.code}.md) | {rule.name} | {rule.severity.value} "
            f"| {rule.summary()} |"
            for rule in ordered
        ),
    ]
    files["README.md"] = "\n".join(lines) + "\n"
    return files


def write_pages(rules: Iterable[type[Rule]], folder: Path) -> None:
    """Write docs/rules, and delete the pages of rules that are no more."""
    files = pages(rules)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
