"""A source tree on disk: which files it has, and their bytes, within limits."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from opparity.checker.facts import Location, Problem

# Above this a file is data or generated; the largest hand-written one in vLLM 0.33.0 is 0.3 MB.
LARGEST_FILE = 4_000_000
MOST_FILES = 200_000

NATIVE_SUFFIXES = frozenset(
    {
        ".c",
        ".cc",
        ".cpp",
        ".cxx",
        ".cu",
        ".cuh",
        ".h",
        ".hh",
        ".hip",
        ".hpp",
        ".inl",
        ".mm",
        ".sycl",
    }
)
BUILD_NAMES = frozenset({"CMakeLists.txt", "setup.py", "build.toml"})
_SKIPPED_FOLDERS = frozenset({".git", ".hg", ".svn", ".venv", "node_modules", "__pycache__"})


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a tree, by kind; paths are relative, with forward slashes, and sorted."""

    root: Path
    files: frozenset[str]
    native: tuple[str, ...]
    python: tuple[str, ...]
    problems: tuple[Problem, ...]

    def read(self, path: str) -> bytes:
        """Return a file's bytes; `path` must be one of `files`."""
        return (self.root / path).read_bytes()

    def read_text(self, path: str) -> str:
        """Return a file's text; bytes that are no UTF-8 become U+FFFD."""
        return self.read(path).decode("utf-8", errors="replace")


def open_tree(root: Path) -> Tree:
    """List a folder's files; links are not followed, and large files are named as problems."""
    files: list[str] = []
    problems: list[Problem] = []
    for folder, subfolders, names in os.walk(root, followlinks=False):
        subfolders[:] = sorted(name for name in subfolders if name not in _SKIPPED_FOLDERS)
        relative = Path(folder).relative_to(root)
        for name in sorted(names):
            path = (relative / name).as_posix()
            problem = _refusal(Path(folder) / name, path)
            if problem:
                problems.append(problem)
            else:
                files.append(path)
        if len(files) > MOST_FILES:
            detail = f"more than {MOST_FILES} files; the rest is not read"
            problems.append(Problem(Location(relative.as_posix(), 1), detail))
            break
    return Tree(
        root=root,
        files=frozenset(files),
        native=tuple(path for path in files if _suffix(path) in NATIVE_SUFFIXES),
        python=tuple(path for path in files if _suffix(path) == ".py"),
        problems=tuple(problems),
    )


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()  # noqa: PTH122 -- a Path per file costs 4x


def _is_read(path: str) -> bool:
    name = path.rpartition("/")[2]
    return _suffix(path) in NATIVE_SUFFIXES | {".py", ".cmake"} or name in BUILD_NAMES


def _refusal(file: Path, path: str) -> Problem | None:
    """Return why a file that the checker would read is left out; None for any other file."""
    if not _is_read(path):
        return None
    try:
        status = file.lstat()
    except OSError as error:
        return Problem(Location(path, 1), f"cannot be read: {error.strerror}")
    if file.is_symlink() and not file.is_file():
        return Problem(Location(path, 1), "a link that leads nowhere; not read")
    if status.st_size > LARGEST_FILE:
        megabytes = status.st_size / 1e6
        limit = LARGEST_FILE / 1e6
        return Problem(Location(path, 1), f"{megabytes:.1f} MB, above {limit:.0f} MB; not read")
    return None
