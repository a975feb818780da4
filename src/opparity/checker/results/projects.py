"""The project that a folder is part of: a subfolder is checked with the whole, and reported alone.

A source list, a registration and a guard stand in different folders: one of them alone says little.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from opparity.checker.results.configuration import OWN_FILE, read_configuration
from opparity.checker.results.configured_tree import matching
from opparity.checker.results.files_above import above, settings_on_disk
from opparity.checker.rules.findings import Finding, Severity
from opparity.checker.tree.contents import Tree

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from opparity.checker.results.report import Report
    from opparity.checker.rules.findings import Unknown

_BUILDS = ("setup.py", "pyproject.toml", "build.toml", OWN_FILE)
_CMAKE = "CMakeLists.txt"
# A CMakeLists.txt without it is a part of the one above.
_OWN_PROJECT = re.compile(rb"^[ \t]*project[ \t]*\(", re.MULTILINE | re.IGNORECASE)
_LONGEST = 1_000_000


def project_of(path: Path) -> Path:
    """Return the folder of the project that a folder is part of: itself, or one above.

    What is no folder, is part of no project, or is excluded by the project's settings is itself.
    """
    if not path.is_dir() or _begins_project(path):
        return path
    folder = path.resolve()
    for root in above(folder):
        if _begins_project(root):
            settings = read_configuration(Tree(root.name, settings_on_disk(root)))
            inner = folder.relative_to(root).as_posix()
            if settings and matching(settings.exclude, f"{inner}/")("any file"):
                return path
            return root
    return path


def _begins_project(folder: Path) -> bool:
    if any((folder / name).is_file() for name in _BUILDS):
        return True
    lists = folder / _CMAKE
    if not lists.is_file():
        return False
    with lists.open("rb") as file:
        return _OWN_PROJECT.search(file.read(_LONGEST)) is not None


def reported_within(report: Report, folder: str) -> Report:
    """Return the report of one folder of the tree, with a count of what the rest has."""
    findings = [each for each in report.findings if _concerns(each, folder)]
    fails = [each for each in report.findings if each.severity is not Severity.INFORMATION]
    return replace(
        report,
        findings=tuple(findings),
        unknowns=tuple(each for each in report.unknowns if _concerns(each, folder)),
        within=folder,
        elsewhere=len(fails) - sum(each in fails for each in findings),
    )


def _concerns(result: Finding | Unknown, folder: str) -> bool:
    """Tell whether a result, or a place that it rests on, is in a folder."""
    paths: Iterable[str] = [result.location.path, *(each.location.path for each in result.related)]
    return any(path.startswith(f"{folder}/") for path in paths)
