"""The report for programs: docs/schemas/report.schema.json describes it.

Each statement has its key and values, which stay, and its text in the language asked for.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from opparity.escapes import in_json
from opparity.words.statements import Statement

if TYPE_CHECKING:
    from opparity.change.model import ChangeReport
    from opparity.words.catalogue import Catalogue

SCHEMA_VERSION = 1


def render(report: ChangeReport, catalogue: Catalogue) -> str:
    """Return the report as JSON."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "language": catalogue.language.value,
        **_plain(report, catalogue),
    }
    return in_json(json.dumps(document, indent=2)) + "\n"


def _plain(value: object, catalogue: Catalogue) -> Any:  # noqa: ANN401 -- what JSON can hold
    """Return a part of the model as lists, dictionaries and texts."""
    if isinstance(value, Statement):
        values = {name: _plain(each, catalogue) for name, each in value.values}
        return {"key": value.key, "values": values, "text": catalogue.text(value)}
    if dataclasses.is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name), catalogue)
            for field in dataclasses.fields(value)
        }
    if isinstance(value, tuple):
        return [_plain(each, catalogue) for each in value]
    return value
