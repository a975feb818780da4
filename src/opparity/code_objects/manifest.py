"""What the precompiled kernels are and what they were made from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

SOURCES = Path(__file__).parents[1]
FOLDER = Path(__file__).parent / "objects"
_MANIFEST = FOLDER / "manifest.json"


def read() -> dict[str, Any]:
    """Return the manifest: operator -> "cuda" or "hip" -> what there is.

    Raises:
        FileNotFoundError: where this installation has no code objects.
    """
    objects: dict[str, Any] = json.loads(_MANIFEST.read_text("utf-8"))["objects"]
    return objects


def write(objects: dict[str, Any]) -> None:
    """Write the manifest."""
    manifest = {"schema_version": 2, "objects": objects}
    _MANIFEST.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def made_from(sources: Iterable[str], compiler: str, flags: Iterable[str]) -> str:
    """Return the SHA-256 of all that decides what a compiler makes.

    Args:
        sources: paths of files, relative to the package's folder.
        compiler: its name and version.
        flags: its options.
    """
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.encode() + b"\0" + (SOURCES / source).read_bytes())
    digest.update("\0".join((compiler, *flags)).encode())
    return digest.hexdigest()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
