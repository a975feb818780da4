"""Earlier changes that the user names, for trees without a history: `--related FILE`.

[[change]]
number = "#32996"
date = "2026-03-20"
subject = "Fuse SiLU, multiplication and quantisation"
relation = "direct"
reason = "it added the operator"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.change.model import RelatedChange
from opparity.checker.languages.data.toml import TomlRefused, parse_toml
from opparity.errors import OpparityError
from opparity.words.statements import state

if TYPE_CHECKING:
    from pathlib import Path

_KEYS = ("number", "date", "subject", "relation", "reason")
_RELATIONS = ("direct", "indirect")
_LONGEST_FILE = 256_000
_MOST = 100


class RelatedRefused(OpparityError):
    """A file of related changes that is none."""

    message = "{path}: {detail}; docs/report.md has an example"


def read_related(path: Path) -> tuple[tuple[RelatedChange, ...], tuple[RelatedChange, ...]]:
    """Return the direct and the indirect changes that a file names.

    Raises:
        RelatedRefused: it is no TOML, too long, or an entry has an unknown key or value.
    """
    content = path.read_bytes()
    if len(content) > _LONGEST_FILE:
        raise RelatedRefused(path=path, detail=f"more than {_LONGEST_FILE:,} bytes")
    try:
        document = parse_toml(content.decode("utf-8"))
    except (TomlRefused, UnicodeDecodeError) as error:
        raise RelatedRefused(path=path, detail=f"no TOML: {error}") from error
    entries = document.get("change", [])
    if not isinstance(entries, list) or set(document) - {"change"} or len(entries) > _MOST:
        raise RelatedRefused(path=path, detail=f"must hold up to {_MOST} tables [[change]]")
    found: dict[str, list[RelatedChange]] = {relation: [] for relation in _RELATIONS}
    for entry in entries:
        fields = _fields(path, entry)
        found[fields["relation"]].append(_change(fields))
    return tuple(found["direct"]), tuple(found["indirect"])


def _fields(path: Path, entry: object) -> dict[str, str]:
    if not isinstance(entry, dict):
        raise RelatedRefused(path=path, detail="[[change]] must be a table")
    unknown = sorted(set(entry) - set(_KEYS))
    if unknown or not all(isinstance(value, str) for value in entry.values()):
        detail = f"[[change]] takes {', '.join(_KEYS)}, each a string"
        raise RelatedRefused(path=path, detail=detail)
    fields = {"relation": "direct", **dict.fromkeys(_KEYS[:3], ""), "reason": "", **entry}
    if fields["relation"] not in _RELATIONS:
        raise RelatedRefused(path=path, detail='relation must be "direct" or "indirect"')
    return fields


def _change(fields: dict[str, str]) -> RelatedChange:
    reasons = (state("related.given", reason=fields["reason"]),) if fields["reason"] else ()
    return RelatedChange(
        identity="",
        date=fields["date"],
        subject=fields["subject"],
        numbers=(fields["number"],) if fields["number"] else (),
        operators=(),
        reasons=reasons,
    )
