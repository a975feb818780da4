"""An operator's life for programs: docs/schemas/history.schema.json describes it."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from opparity.escapes import in_json

if TYPE_CHECKING:
    from opparity.history.model import OperatorHistory
    from opparity.words.catalogue import Catalogue

SCHEMA_VERSION = 1


def render(history: OperatorHistory, catalogue: Catalogue) -> str:
    """Return every point with every platform; nothing in it hangs on the language."""
    del catalogue
    document = {"schema_version": SCHEMA_VERSION, **dataclasses.asdict(history)}
    return in_json(json.dumps(document, indent=2)) + "\n"
