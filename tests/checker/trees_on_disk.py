"""Trees in every form that the checker reads, written for tests."""

from __future__ import annotations

import io
import subprocess
import tarfile
import zipfile
from typing import TYPE_CHECKING

from opparity.checker.tree.contents import FileNotReadable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from opparity.checker.tree.contents import Tree


def write_folder(root: Path, files: Mapping[str, bytes]) -> Path:
    for path, content in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return root


def write_tar(place: Path, files: Mapping[str, bytes], top: str = "project-1.0/") -> Path:
    mode = {"gz": "w:gz", "xz": "w:xz", "bz2": "w:bz2", "tar": "w:"}[place.suffix[1:]]
    with tarfile.open(place, mode) as archive:  # type: ignore[call-overload]
        for path, content in files.items():
            member = tarfile.TarInfo(top + path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return place


def write_zip(place: Path, files: Mapping[str, bytes], top: str = "project-1.0/") -> Path:
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(top + path, content)
    return place


def git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "core.symlinks=true"]
    completed = subprocess.run(
        ["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True, text=True
    )
    return completed.stdout.strip()


def commit_all(root: Path) -> str:
    git(root, "init", "--quiet")
    git(root, "add", "--all", "--force")
    git(root, "commit", "--quiet", "--allow-empty", "--no-verify", "--message", "A tree")
    return git(root, "rev-parse", "HEAD")


def contents(tree: Tree) -> dict[str, bytes | str]:
    found: dict[str, bytes | str] = {}
    for path in tree.files:
        try:
            found[path] = tree.read(path)
        except FileNotReadable as error:
            found[path] = str(error)
    return found
