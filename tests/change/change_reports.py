"""Reports of little trees, as the tests of every part and format want them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opparity.change.build import build_report
from opparity.change.compare.architectures import compare_architectures
from opparity.change.compare.inspection import inspect
from opparity.change.formats import ReportFormat, renderer
from opparity.checker.facts.platforms import parse_platform
from opparity.checker.results.request import Request
from opparity.checker.tree.opening import open_tree
from opparity.words.catalogue import catalogue
from opparity.words.language import Language

if TYPE_CHECKING:
    from opparity.change.compare.inspection import Inspected
    from opparity.change.model import ChangeReport

PROJECTS = Path(__file__).parents[1] / "projects"
UNGUARDED = "vllm_38750_unguarded"
DRAFT = "vllm_38750_guarded_by_is_rocm"
REPAIRED = "vllm_38750_guarded_by_use_rocm"
OPERATOR = "_C::silu_and_mul_per_block_quant"


@cache
def project(name: str) -> Inspected:
    expected = json.loads((PROJECTS / name / "expected.json").read_text())
    platforms = tuple(parse_platform(label) for label in expected["platforms"])
    # What is expected of a tree is no part of it.
    tree = open_tree(PROJECTS / name).without(lambda path: path == "expected.json")
    return inspect(tree, name, Request(platforms=platforms))


def inspected(folder: Path, label: str = "tree") -> Inspected:
    return inspect(open_tree(folder), label, Request())


def report_of(before: str, after: str, description: str = "") -> ChangeReport:
    first, second = project(before), project(after)
    architectures = compare_architectures(first, second)
    return build_report(first, second, description=description, architectures=architectures)


def written(
    report: ChangeReport,
    output_format: ReportFormat = ReportFormat.MARKDOWN,
    language: Language = Language.ENGLISH,
) -> str:
    return renderer(output_format)(report, catalogue(language))


def document(report: ChangeReport, language: Language = Language.ENGLISH) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(written(report, ReportFormat.JSON, language))
    return found


def statements(value: object) -> set[str]:
    """Return the key of every statement in a part of a JSON report."""
    if isinstance(value, dict):
        own = {value["key"]} if {"key", "values", "text"} == set(value) else set()
        return own.union(*(statements(each) for each in value.values()))
    if isinstance(value, list):
        return set[str]().union(*(statements(each) for each in value))
    return set()
