"""MAC004."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from opparity.checker.analysis.macros import flags_of_builds, is_foreign
from opparity.checker.analysis.spelling import (
    Spellings,
    is_near,
    is_near_number,
    is_one_letter_longer,
    is_one_letter_off,
    lacks_a_digit,
    odd_words,
)
from opparity.checker.analysis.translation import COMPILER_SWITCHES, TORCH_MACROS
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import MacroTest
    from opparity.checker.facts.places import Location

# One slip is made in one place, or in the two branches of it.
_MOST_TESTS = 2
_MANY_TESTS = 4
_WORD = re.compile(r"[A-Za-z]+")


class MisspeltMacro(Rule):
    """A macro is tested that nobody defines, or defined that nobody tests, one slip from another.

    ## Why is this bad?
    The compiler takes an unknown macro for one that is not defined, and says nothing: the code
    under it is never compiled, or under `#ifndef` always.

    A macro with parameters counts as well (`#if WITH_MKL()`), and one that CMake defines where an
    option is set. A test that stands alone beside others of the same file counts, whoever defines
    what these test; where it is a digit that is missing, that is an unknown.

    ## Example
    `#ifdef WITH_CDUA`, where the build defines `WITH_CUDA`; `-DENABEL_BF16`, where the sources
    test `ENABLE_BF16`.

    ## Use instead
    The macro's name as the rest of the tree spells it.

    ## Before and after
    Before, in `csrc/ops.cu`:

    ```cuda
    #ifdef WITH_FSAT_MATH
    torch::Tensor shift(const torch::Tensor& input) {
    ```

    After:

    ```cuda
    #ifdef WITH_FAST_MATH
    torch::Tensor shift(const torch::Tensor& input) {
    ```
    """

    code = "MAC004"
    name = "misspelt-macro"
    severity = Severity.WARNING
    effect = Effect.NONE

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each macro that is spelt so in one place alone."""
        tests: dict[str, list[MacroTest]] = defaultdict(list)
        for file in analysis.project.native.values():
            for test in (*file.macro_tests, *file.macro_calls):
                tests[test.name].append(test)
        words = _Words({*tests, *analysis.own_macros})
        yield from self._tested(analysis, tests, words)
        yield from self._defined(analysis, tests, words)

    def _tested(
        self, analysis: Analysis, tests: Mapping[str, list[MacroTest]], words: _Words
    ) -> Iterator[Finding | Unknown]:
        """Yield what is tested and nobody defines; what is defined alone is told by the other."""
        known = analysis.own_macros | TORCH_MACROS | COMPILER_SWITCHES
        fixed = _fixed(analysis)
        named = analysis.macros_of_builds
        spellings = Spellings(fixed | named | tests.keys())
        told = {test.name for test in analysis.undefined_macros}  # MAC001's
        for name, found in sorted(tests.items()):
            if name in known or name in told or len(found) > _MOST_TESTS:
                continue
            near = spellings.near(name) if len(found) == 1 else []
            beside = {each: _tests_beside(tests, each, found[0]) for each in near}
            usual = [
                *(
                    each
                    for each in spellings.slips_of(name)
                    if each in fixed
                    or each in named
                    or each in analysis.own_macros
                    or len(tests.get(each, ())) > len(found)
                ),
                # One test beside many of what the build defines is a slip, whatever letter it is.
                *(
                    each
                    for each in near
                    if each in analysis.own_macros
                    and self._is_meant(name, each, len(tests.get(each, ())))
                ),
                # So is one beside others of the same file, whoever defines what these test.
                *(
                    each
                    for each in near
                    if beside[each] > 1 and is_near_number(name, each) and not is_foreign(name)
                ),
            ]
            meant = next((each for each in usual if words.odd(name, each)), "")
            if meant:
                told_of = state("MAC004.tested", macro=name, known=meant)
                yield self.finding(found[0].location, told_of, symbol=name)
                continue
            for each in near:
                if beside[each] >= _MANY_TESTS and lacks_a_digit(name, each):
                    told_of = state("MAC004.open", macro=name, known=each, count=beside[each])
                    yield self.unknown(found[0].location, told_of, symbol=name)

    def _defined(
        self, analysis: Analysis, tests: Mapping[str, list[MacroTest]], words: _Words
    ) -> Iterator[Finding]:
        """Yield what a build defines and nobody tests."""
        told = {test.name for test in analysis.undefined_macros}
        tested = Spellings(tests)
        settings = _settings(analysis)
        defined = {*_fixed(analysis), *analysis.macros_of_builds, *settings}
        for name, place in sorted(settings.items()):
            if name in tests or name in analysis.project.macro_definitions:
                continue
            meant = next((m for m in tested.slips_of(name) if words.odd(name, m)), "")
            # What is tested and defined by nobody waits for a definition.
            own = (m for m in tested.near(name) if not m.startswith("__"))
            waiting = (m for m in own if m not in defined and m not in told)
            meant = meant or next(
                (m for m in waiting if is_one_letter_off(name, m) or is_one_letter_longer(name, m)),
                "",
            )
            if meant:
                told_of = state("MAC004.defined", macro=name, known=meant)
                yield self.finding(place, told_of, symbol=name)

    def _is_meant(self, name: str, other: str, count: int) -> bool:
        """Return whether a name is one slip from another one that is tested so often."""
        if count >= _MANY_TESTS and is_near(name, other):
            return True
        # No name of its own has a letter and a digit in the other order, or lacks one before it.
        return count > 1 and is_near_number(name, other)


class _Words:
    """The words of all macros of a tree."""

    def __init__(self, names: set[str]) -> None:
        self.uses: dict[str, set[str]] = defaultdict(set)
        for name in names:
            for word in _WORD.findall(name):
                self.uses[word].add(name)

    def odd(self, written: str, meant: str) -> bool:
        """Return whether what a name has other than another is no word of any third one.

        A single letter between digits is no word.
        """
        odd = (word for word in odd_words(written, meant) if len(word) > 1)
        return all(self.uses[word] <= {written} for word in odd)


def _fixed(analysis: Analysis) -> frozenset[str]:
    """Return the macros of torch, of compilers and of files: their names are not in question."""
    return frozenset(TORCH_MACROS | COMPILER_SWITCHES | analysis.project.macro_definitions.keys())


def _tests_beside(tests: Mapping[str, list[MacroTest]], name: str, test: MacroTest) -> int:
    """Return how often a macro is tested in the file of another test."""
    return sum(each.location.path == test.location.path for each in tests.get(name, ()))


def _settings(analysis: Analysis) -> dict[str, Location]:
    """Return the macros that builds define, each where it is first."""
    found = flags_of_builds(analysis.project)
    for build in analysis.project.builds:
        for target in build.targets:
            for macro in target.macros:
                if not macro.removed:
                    found.setdefault(macro.name, macro.location)
    return found
