"""Write the JSON Schemas of `opparity report` and `opparity history` from their dataclasses.

Usage: python tools/write_schemas.py [--check]
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import types
import typing
from enum import StrEnum
from pathlib import Path

from opparity.change.formats.json import SCHEMA_VERSION as REPORT_VERSION
from opparity.change.model import ChangeReport
from opparity.checker.analysis import verdict
from opparity.checker.rules import findings
from opparity.history import model as history
from opparity.history.formats.json import SCHEMA_VERSION as HISTORY_VERSION
from opparity.words.statements import Statement

SCHEMAS = Path(__file__).parents[1] / "docs/schemas"
Schema = dict[str, typing.Any]
_PLAIN: dict[object, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
}
_STATEMENT: Schema = {
    "type": "object",
    "description": "A sentence: its key and values stay, its text is in the language asked for.",
    "properties": {
        "key": {"type": "string"},
        "values": {
            "type": "object",
            "additionalProperties": {
                "anyOf": [
                    {"type": "string"},
                    {"type": "integer"},
                    {"$ref": "#/$defs/Statement"},
                    {"type": "array", "items": {"type": "string"}},
                    {"type": "array", "items": {"$ref": "#/$defs/Statement"}},
                ]
            },
        },
        "text": {"type": "string"},
    },
    "required": ["key", "values", "text"],
    "additionalProperties": False,
}


class Definitions:
    """The schemas of dataclasses and enumerations, each once."""

    def __init__(self, *modules: types.ModuleType) -> None:
        self.names = {name: value for module in modules for name, value in vars(module).items()}
        self.found: dict[str, Schema] = {}

    def of(self, kind: object) -> Schema:
        """Return the schema of a type."""
        if kind in _PLAIN:
            return _PLAIN[kind]
        if typing.get_origin(kind) is tuple:
            return self._tuple(typing.get_args(kind))
        if isinstance(kind, types.UnionType):
            return {"anyOf": [self.of(each) for each in typing.get_args(kind)]}
        assert isinstance(kind, type)
        if kind.__name__ not in self.found:
            self.found[kind.__name__] = {}
            self.found[kind.__name__] = self._defined(kind)
        return {"$ref": f"#/$defs/{kind.__name__}"}

    def _tuple(self, kinds: tuple[object, ...]) -> Schema:
        if kinds[1:] == (...,):
            return {"type": "array", "items": self.of(kinds[0])}
        items = [self.of(each) for each in kinds]
        return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}

    def _defined(self, kind: type) -> Schema:
        if kind is Statement:
            return _STATEMENT
        description = (kind.__doc__ or "").partition("\n\n")[0]
        if issubclass(kind, StrEnum):
            return {"description": description, "enum": [each.value for each in kind]}
        assert dataclasses.is_dataclass(kind)
        hints = typing.get_type_hints(kind, localns=self.names)
        fields = [each.name for each in dataclasses.fields(kind)]
        return {
            "type": "object",
            "description": description,
            "properties": {name: self.of(hints[name]) for name in fields},
            "required": fields,
            "additionalProperties": False,
        }


def schema(title: str, kind: type, version: int, extra: Schema, *modules: types.ModuleType) -> str:
    """Return the schema of a document whose top level is a dataclass and some keys more."""
    definitions = Definitions(*modules)
    definitions.of(kind)
    top = definitions.found.pop(kind.__name__)
    first = {"schema_version": {"const": version}, **extra}
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **top,
        "properties": {**first, **top["properties"]},
        "required": [*first, *top["required"]],
        "$defs": dict(sorted(definitions.found.items())),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def schemas() -> dict[Path, str]:
    """Return each schema's file and text."""
    from opparity.change import model  # noqa: PLC0415 -- as a namespace of names

    language = {"language": {"enum": ["en", "zh"]}}
    shared = types.ModuleType("shared")
    shared.__dict__.update(Statement=Statement)
    modules = (findings, model, history, verdict, shared)
    return {
        SCHEMAS / "report.schema.json": schema(
            "opparity report --output-format json", ChangeReport, REPORT_VERSION, language, *modules
        ),
        SCHEMAS / "history.schema.json": schema(
            "opparity history --output-format json",
            history.OperatorHistory,
            HISTORY_VERSION,
            {},
            *modules,
        ),
    }


def main() -> int:
    """Write the schemas, or with --check say which are not as they should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    is_check = parser.parse_args().check
    stale = []
    for path, text in schemas().items():
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(path.name)
            if not is_check:
                path.write_text(text, "utf-8")
    if is_check and stale:
        print(f"stale: {', '.join(stale)}; run python tools/write_schemas.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
