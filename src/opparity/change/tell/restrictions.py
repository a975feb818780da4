"""Earlier changes that restrict or return something by platform: reverts, and tests in Python.

Which of them have to do with a change nobody can compute. So they are ranked: a revert or a test of
the platform counts, as do the change's platforms and words, and every commit in between counts
against.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opparity.change.model import CellChangeKind
from opparity.checker.analysis.macros import platform_of_macro
from opparity.checker.languages.detection import NOT_SHIPPED
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.change.compare.inspection import Inspected
    from opparity.change.git.patches import Patch
    from opparity.change.model import ChangeReport, Commit
    from opparity.words.statements import Statement

# What Python asks about the platform it runs on: words of vLLM, SGLang and torch, and usual ones.
PYTHON_TEST = re.compile(
    r"\b_?is_(?:cuda|rocm|hip|cpu|xpu|npu|hpu|tpu|musa|mps|cuda_alike|hopper|blackwell|sm\d+\w*)\b"
    r"|\btorch\.version\.(?:hip|cuda)\b|\bcurrent_platform\.(?:is_|has_device|supports_)"
    r"|\b(?:has|is|get)_device_capability\w*|\b(?:device|compute)_capability\b"
    r"|\bon_(?:gfx|mi)\w+|\bget_device_sm\b|\bsupports?_(?:cuda|rocm|cpu|xpu)\b"
)
_REVERT = re.compile(r"^(?:\[[^\]]*\]\s*)*(?:revert|back out|backout)\b[:\s]*(.*)$", re.IGNORECASE)
_RELAND = re.compile(
    r"^(?:\[[^\]]*\]\s*)*(?:reland|re-land|reapply|re-apply|revert\s+\"revert)\b[:\s]*(.*)$",
    re.IGNORECASE,
)
_REVERTED = re.compile(r"^This reverts commit ([0-9a-f]{7,40})", re.MULTILINE)
_PLATFORMS = {
    "rocm": re.compile(r"rocm|\bhip\b|\bamd\b|gfx\d|\bmi\d{3}", re.IGNORECASE),
    "cuda": re.compile(
        r"cuda|nvidia|\bsm_?\d{2}|hopper|blackwell|ampere|capability|\b[ghb]b?\d00\b", re.IGNORECASE
    ),
    "cpu": re.compile(r"\bcpu\b|is_cpu|avx|\barm\b|aarch64", re.IGNORECASE),
    "xpu": re.compile(r"xpu|sycl|\bintel\b", re.IGNORECASE),
    "npu": re.compile(r"npu|ascend", re.IGNORECASE),
}
_RESTRICTS = re.compile(
    r"\b(?:restrict|limit|disable|enable|re-?enable|gate|guard|only|skip|exclude|drop|support|allow)"
    r"(?:s|ed|d|ing)?\b",
    re.IGNORECASE,
)
_SHORTEST_WORD = 4
_MOST_FILES = 3
_MOST_PATHS = 1_500
# So many commits between a change and an earlier one weigh as much as one point.
_COMMITS_A_POINT = 50


@dataclass(slots=True)
class Restriction:
    """What one commit says and does about platforms.

    Attributes:
        tests: lines of Python with a test of the platform, added and removed.
        files: the files of these lines.
        platforms: those of which its subject and its tests speak.
        reverts: the subject or name of the commit that it takes back; `relands` likewise.
    """

    tests: dict[str, int] = field(default_factory=lambda: {"+": 0, "-": 0})
    files: dict[str, None] = field(default_factory=dict)
    platforms: set[str] = field(default_factory=set)
    reverts: str = ""
    relands: str = ""
    speaks: bool = False

    @property
    def is_one(self) -> bool:
        """Tell whether there is anything."""
        return bool(any(self.tests.values()) or self.reverts or self.relands or self.speaks)


@dataclass(frozen=True, slots=True)
class Interest:
    """What a change is about: its platforms, and the words of its operators and files."""

    platforms: frozenset[str]
    words: frozenset[str]


def python_paths(*sides: Inspected) -> tuple[str, ...]:
    """Return the Python files that test the platform they run on, in one of the trees."""
    found = {
        path
        for side in sides
        for path in side.tree.python
        if not NOT_SHIPPED.search(path) and PYTHON_TEST.search(side.tree.read_text(path))
    }
    return tuple(sorted(found))[:_MOST_PATHS]


def interest_of(report: ChangeReport, guards: Iterable[str]) -> Interest:
    """Return what a change is about; `guards` are those of its operators."""
    changed = report.matrix.changed
    platforms = {
        cell.platform.partition(":")[0]
        for row in changed
        for cell in row.cells
        if cell.kind is not CellChangeKind.SAME
    }
    platforms |= {
        platform_of_macro(word) for guard in guards for word in re.findall(r"\w+", guard)
    } - {""}
    names = [
        *(name for row in changed for name in (row.operator, *row.symbols, *row.sources)),
        *(row.path for row in report.implementation.rows),
    ]
    return Interest(frozenset(platforms), frozenset(_words(names)))


def _words(texts: Iterable[str]) -> set[str]:
    found = {word for text in texts for word in re.split(r"[^a-z0-9]+", text.lower())}
    return {word for word in found if len(word) >= _SHORTEST_WORD} - _COMMON


# Folders and words of nearly every path.
_COMMON = frozenset(
    {"csrc", "torch", "bindings", "kernels", "kernel", "vllm", "sglang", "src", "python", "ops"}
    | {"cmakelists", "setup", "block", "quantization", "layers", "utils", "fused"}
)


def read_restriction(commit: Commit, patch: Patch | None) -> Restriction:
    """Return what a commit says and does about platforms."""
    found = Restriction()
    relands, reverts = _RELAND.match(commit.subject), _REVERT.match(commit.subject)
    named = _REVERTED.search(commit.body)
    if relands:
        found.relands = relands.group(1).strip(' "') or commit.subject
    elif reverts or named:
        subject = reverts.group(1).strip(' "') if reverts else ""
        found.reverts = subject or (named.group(1)[:12] if named else commit.subject)
    texts = [commit.subject]
    for path, place in zip(patch.paths, patch.places, strict=True) if patch else ():
        if not path.endswith(".py"):
            continue
        for sign, line in place:
            if sign != " " and not line.lstrip().startswith("#") and PYTHON_TEST.search(line):
                found.tests[sign] += 1
                found.files[path] = None
                texts.append(line)
    for platform, words in _PLATFORMS.items():
        if any(words.search(text) for text in texts):
            found.platforms.add(platform)
    found.speaks = bool(found.platforms and _RESTRICTS.search(commit.subject))
    return found


def reasons(found: Restriction) -> list[Statement]:
    """Return why a commit is listed."""
    listed = []
    if found.reverts:
        listed.append(state("related.reverts", subject=found.reverts))
    if found.relands:
        listed.append(state("related.relands", subject=found.relands))
    if any(found.tests.values()):
        listed.append(
            state(
                "related.python_tests",
                added=found.tests["+"],
                removed=found.tests["-"],
                files=tuple(found.files)[:_MOST_FILES],
            )
        )
    if found.speaks:
        listed.append(state("related.speaks", platforms=tuple(sorted(found.platforms))))
    return listed


def rank(
    commit: Commit, found: Restriction, interest: Interest, *, guards: bool, between: int
) -> float:
    """Return how near an earlier commit is to a change.

    Args:
        commit: the commit.
        found: what it says and does about platforms.
        interest: what the change is about.
        guards: it adds or removes guards in native sources or builds.
        between: how many commits lie between the two.
    """
    points = 4.0 * bool(found.reverts or found.relands)
    points += 3.0 * any(found.tests.values()) + 2.0 * found.speaks + 2.0 * guards
    points += 2.0 * bool(found.platforms & interest.platforms)
    points += 2.0 * bool(_words([commit.subject]) & interest.words)
    return points - between / _COMMITS_A_POINT
