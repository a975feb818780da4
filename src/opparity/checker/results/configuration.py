"""A project's own settings: `opparity.toml`, or `[tool.opparity]` in pyproject.toml.

A tree without settings has those of the nearest folder above that has any.
"""

from __future__ import annotations

import re
from dataclasses import Field, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from opparity.checker.facts.records import fact
from opparity.checker.languages.data.toml import TomlRefused, parse_toml
from opparity.errors import OpparityError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opparity.checker.tree.contents import Tree

OWN_FILE = "opparity.toml"
SHARED_FILE = "pyproject.toml"
# Of a word that is no key and no rule, so many characters.
_CODE = re.compile(r"([A-Za-z]+)[- ]?([0-9]{1,9})")
_SHOWN = 80


class ConfigurationRefused(OpparityError):
    """A setting that does not exist, or a value of another kind."""

    message = "{path}: {detail}"


@fact
class Configuration:
    """What a project asks of every check of it; the command line goes before.

    Attributes:
        platforms: as `--platform` takes them; none means every one that the build knows.
        select: rules that apply, by code, family or name; none means all.
        ignore: rules that do not.
        exclude: files that are no part of the project, as .gitignore would name them.
        per_file_ignores: files, likewise, and the rules that do not apply to them.
        baseline: the file of accepted findings, relative to the tree.
        strict: what cannot be decided is a finding.
        inner: no key: what leads from the settings' folder to the tree, "" or ending in "/".
    """

    platforms: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    baseline: str = ""
    strict: bool = False
    inner: str = ""

    @classmethod
    def keys(cls) -> dict[str, Field[Any]]:
        """Return the fields that can be set, by their keys in TOML."""
        return {_key(field.name): field for field in fields(cls) if field.name != "inner"}


def read_configuration(tree: Tree) -> Configuration | None:
    """Return the settings at a tree's root; None where there are none.

    Raises:
        ConfigurationRefused: a file is no TOML, a key or value is unknown, or both files have
            settings.
    """
    own = _table(tree, OWN_FILE)
    shared = _table(tree, SHARED_FILE)
    tools = shared.get("tool", {}) if shared is not None else {}
    table = tools.get("opparity") if isinstance(tools, dict) else None
    if own is not None and table is not None:
        raise ConfigurationRefused(
            path=OWN_FILE, detail=f"{SHARED_FILE} has [tool.opparity] as well; keep one of them"
        )
    if own is not None:
        return _configuration(own, OWN_FILE)
    if table is None:
        return None
    if not isinstance(table, dict):
        raise ConfigurationRefused(path=SHARED_FILE, detail="tool.opparity must be a table")
    return _configuration(table, f"{SHARED_FILE} [tool.opparity]")


def _table(tree: Tree, path: str) -> dict[str, object] | None:
    if path not in tree.files:
        return None
    try:
        return parse_toml(tree.read_text(path))
    except TomlRefused as error:
        raise ConfigurationRefused(path=path, detail=str(error)) from error


def _configuration(table: Mapping[str, object], path: str) -> Configuration:
    allowed = Configuration.keys()
    values: dict[str, object] = {}
    for key, value in table.items():
        if key not in allowed:
            raise ConfigurationRefused(path=path, detail=unknown("key", key, allowed))
        values[allowed[key].name] = _value(path, key, value, str(allowed[key].type))
    return Configuration(**values)  # type: ignore[arg-type] # each was checked against its field


def _value(path: str, key: str, value: object, kind: str) -> object:
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "str" and isinstance(value, str):
        return value
    is_table = kind.startswith("tuple[tuple")
    if is_table and isinstance(value, dict) and all(map(_is_list, value.values())):
        return tuple((pattern, tuple(rules)) for pattern, rules in value.items())
    if kind.startswith("tuple") and not is_table and _is_list(value):
        return tuple(value)  # type: ignore[arg-type] # a list, as was just seen
    wanted = {"bool": "true or false", "str": "a string"}.get(kind, "a list of strings")
    if is_table:
        wanted = 'a table of lists, such as {"tests/**" = ["BLD"]}'
    raise ConfigurationRefused(path=path, detail=f"{key} = {value!r:.80} must be {wanted}")


def _is_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _key(name: str) -> str:
    """Return the key of a field, as TOML has it."""
    return name.replace("_", "-")


def unknown(what: str, given: str, allowed: Mapping[str, object]) -> str:
    """Say that a word is unknown, with the nearest one that is allowed."""
    meant = _numbered(given)
    same = [each for each in allowed if meant and _numbered(each) == meant]
    near = same or get_close_matches(given[:_SHOWN], allowed, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {what} {given[:_SHOWN]!r}; {hint}allowed: {', '.join(allowed)}"


def _numbered(word: str) -> tuple[str, int] | None:
    """Return a code's letters and its number, however many zeros that has; None for no code."""
    found = _CODE.fullmatch(word)
    return (found[1].upper(), int(found[2])) if found else None
