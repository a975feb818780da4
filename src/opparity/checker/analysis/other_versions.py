"""A target as another version of CUDA, ROCm or torch would compile it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Comparison, Truth, atoms, evaluate, truth_of
from opparity.checker.facts.numbers import c_number
from opparity.checker.facts.records import fact
from opparity.checker.languages.cpp.preprocessor import compare_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Compiled, Link
    from opparity.checker.analysis.translation import TranslationUnit
    from opparity.checker.facts.conditions import Atom, Condition
    from opparity.checker.facts.native import Definition

_VERSION = re.compile(
    r"^(?:CUDA_VERSION|CUDART_VERSION|__CUDACC_VER_(?:MAJOR|MINOR)__|TORCH_VERSION\w*|HIP_VERSION\w*"
    r"|ROCM_VERSION\w*|TORCH_HIP_VERSION|NCCL_VERSION_CODE|CUDNN_VERSION|CUTLASS_VERSION"
    r"|TORCH_FEATURE_VERSION)$"
)
_OLDEST, _NEWEST = 0, 10**9


@fact
class OtherVersion:
    """What a source's macros are with the oldest, or the newest, of whatever has versions."""

    unit: TranslationUnit
    number: int

    @property
    def language(self) -> str:
        """Return the compile language of the source."""
        return self.unit.language

    def truth(self, atom: Atom) -> Truth:
        """Return what is known of a macro test."""
        match atom:
            case Comparison(left, operator, right):
                values = [self._value(side) for side in (left, right)]
                if any(_VERSION.match(side) for side in (left, right)) and None not in values:
                    return truth_of(compare_numbers(values[0] or 0, operator, values[1] or 0))
        return self.unit.truth(atom)

    def _value(self, text: str) -> int | None:
        if _VERSION.match(text):
            return self.number
        return c_number(text)


def names_version(condition: Condition) -> bool:
    """Return whether a condition compares a version."""
    return any(
        isinstance(atom, Comparison) and (_VERSION.match(atom.left) or _VERSION.match(atom.right))
        for atom in atoms(condition)
    )


class OtherVersions:
    """Compiles targets anew, each once."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str, str], tuple[tuple[Link, frozenset[str]], ...]] = {}

    def of(self, link: Link) -> tuple[tuple[Link, frozenset[str]], ...]:
        """Return a target as older and newer tools compile it, with the functions that differ."""
        key = (link.platform.label, link.description, link.target.name)
        if key not in self.known:
            self.known[key] = tuple(in_other_versions(link))
        return self.known[key]


def in_other_versions(link: Link) -> Iterator[tuple[Link, frozenset[str]]]:
    """Yield a target as older and newer tools compile it, with the functions that then differ.

    Only what one file defines for both is looked at: which sources are listed for which version is
    a question for the build.
    """
    paired = {
        name
        for name, definitions in link.definitions.items()
        if len(definitions) > 1 and _is_paired([definition for definition, _ in definitions])
    }
    if not paired:
        return
    for number in (_OLDEST, _NEWEST):
        compiled = [replace(part, unit=OtherVersion(part.unit, number)) for part in link.compiled]  # type: ignore[arg-type]
        other = replace(link, compiled=compiled, definitions={})
        for part in compiled:
            for definition in part.file.definitions:
                listed = other.definitions.setdefault(definition.signature.name, [])
                listed.append((definition, part))
        changed = frozenset(name for name in paired if _differs(link, other, name))
        if changed:
            yield other, changed


def _is_paired(definitions: list[Definition]) -> bool:
    """Return whether one file has a function under several conditions of a version."""
    by_path: dict[str, int] = {}
    for definition in definitions:
        if names_version(definition.condition):
            path = definition.location.path
            by_path[path] = by_path.get(path, 0) + 1
    return any(count > 1 for count in by_path.values())


def _differs(link: Link, other: Link, name: str) -> bool:
    return [_truth(each, part) for each, part in link.definitions[name]] != [
        _truth(each, part) for each, part in other.definitions[name]
    ]


def _truth(definition: Definition, part: Compiled) -> Truth:
    return evaluate(definition.condition, part.unit)
