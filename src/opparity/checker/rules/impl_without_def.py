"""DEF001."""

from __future__ import annotations

from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING

from opparity.checker.facts.names import plain_library
from opparity.checker.facts.native import RegistrationKind
from opparity.checker.facts.places import Related
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opparity.checker.analysis.project import Project
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import Registration

# A misspelt name shares almost all of its letters with the right one; `x_fp8` and `x_fp4` do too,
# so the right one must lack an implementation for the same key as well.
_NEAR = 0.9
# Of a whole backend of torch the first places are shown, and all are counted.
_MOST_PLACES = 60


class ImplWithoutDef(Rule):
    """An implementation is registered for an operator that nothing defines.

    ## Why is this bad?
    torch keeps it without a word. The operator that was meant stays without an implementation for
    that key, and its first call there fails with `NotImplementedError`.

    Of two files that define one namespace each as a whole, only one is in a process: what one of
    them implements, it has to define itself.

    What is implemented in a namespace of which the tree defines no operator (`c10d`, `aten`) is one
    unknown for the namespace: somebody else knows its names.

    ## Example
    `m.impl("bf16_grouped_dyanmic", …)` beside `m.def("bf16_grouped_dynamic(…) -> Tensor")`.

    ## Use instead
    Spell the name as the definition does.

    ## Before and after
    Before, in `csrc/bindings.cpp`:

    ```cpp
      m.def("bf16_grouped_dynamic(Tensor input) -> Tensor");
    }

    TORCH_LIBRARY_IMPL(little, CPU, m) {
      m.impl("bf16_grouped_dyanmic", &grouped);
    }
    ```

    After:

    ```cpp
      m.def("bf16_grouped_dynamic(Tensor input) -> Tensor");
    }

    TORCH_LIBRARY_IMPL(little, CPU, m) {
      m.impl("bf16_grouped_dynamic", &grouped);
    }
    ```
    """

    code = "DEF001"
    name = "impl-without-def"
    severity = Severity.WARNING
    effect = Effect.CALL

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each implementation in a library of the tree that has no such operator."""
        defined: dict[str, dict[str, Registration]] = {}
        implemented: set[tuple[str, str, str]] = set()
        impls: list[Registration] = []
        in_python = analysis.operators.defined_in_python()
        for registration in (*analysis.project.registrations, *in_python):
            library = plain_library(registration.library)
            if registration.kind is RegistrationKind.DEF:
                defined.setdefault(library, {}).setdefault(registration.operator, registration)
            elif registration.kind is RegistrationKind.IMPL:
                implemented.add((library, registration.operator, registration.key))
                impls.append(registration)
        from_python = {
            (found.library, found.operator)
            for file in analysis.project.python.values()
            for found in file.registrations
        }
        unfollowed = [each for file in analysis.project.native.values() for each in file.unfollowed]
        # A macro of no known library is hardly torch's; a computed name may be any.
        doubtful = {
            plain_library(each.library)
            for each in unfollowed
            if each.library or not each.text.isidentifier()
        }
        rivals = _Rivals(analysis.project)
        for impl in impls:
            library = plain_library(impl.library)
            known = defined.get(library)
            if known is None or (library, impl.operator) in from_python:
                continue
            if impl.operator in known:
                if not rivals.alone_define(impl, library, analysis):
                    continue
                known = rivals.own(impl, library)
            elif any(impl.operator in names for names in defined.values()):
                continue  # in another library by a name that macros make
            is_open = bool({library, ""} & doubtful)
            close = analysis.suggestions.nearest(impl.operator, known, 3, _NEAR)
            near = [name for name in close if (library, name, impl.key) not in implemented]
            yield self._result(impl, library, known, near, is_open=is_open)
        own = defined.keys() | {library for library, _ in from_python}
        others = [each for each in impls if plain_library(each.library) not in own]
        yield from self._foreign_ones(analysis, others)

    def _foreign_ones(self, analysis: Analysis, impls: Sequence[Registration]) -> Iterator[Unknown]:
        """Yield what a build implements of others' operators, by namespace.

        torch says nothing of an implementation that nobody defines: it is never called.
        """
        compiled = {
            part.file.path
            for platform in (analysis.project.platforms if impls else ())
            for link in analysis.linker.links_on(platform)
            for part in link.compiled
        }
        foreign: dict[str, dict[str, Registration]] = {}
        for each in impls:
            if each.location.path in compiled:
                foreign.setdefault(plain_library(each.library), {}).setdefault(each.operator, each)
        for library, found in sorted(foreign.items()):
            if library.isidentifier():
                yield self._foreign(library, found)

    def _foreign(self, library: str, found: dict[str, Registration]) -> Unknown:
        """Return one unknown for all that the tree implements in somebody else's namespace."""
        return self.unknown(
            next(iter(found.values())).location,
            state("DEF001.foreign", library=library, operators=tuple(found)),
            symbol=library,
            related=[
                Related(each.location, state("DEF001.implemented", operator=name))
                for name, each in islice(found.items(), _MOST_PLACES)
            ],
        )

    def _result(
        self,
        impl: Registration,
        library: str,
        known: dict[str, Registration],
        near: list[str],
        *,
        is_open: bool,
    ) -> Finding | Unknown:
        """Return what is wrong; open where a definition in the library could not be followed."""
        operator = f"{library}::{impl.operator}"
        if not near:
            statement = state("DEF001.undefined", operator=operator)
            if impl.key:
                statement = state("DEF001.undefined_for", operator=operator, key=impl.key)
            make = self.unknown if is_open else self.finding
            return make(impl.location, statement, operator=operator, symbol=impl.symbol)
        other = f"{library}::{near[0]}"
        statement = state("DEF001.misspelt", operator=operator, other=other)
        if impl.key:
            statement = state("DEF001.misspelt_for", operator=operator, other=other, key=impl.key)
        return self.finding(
            impl.location,
            statement,
            operator=operator,
            symbol=impl.symbol,
            related=[Related(known[near[0]].location, state("place.defined_name", name=near[0]))],
            severity=Severity.ERROR,
        )


class _Rivals:
    """Files that define one namespace each as a whole: no two of them are in one process."""

    def __init__(self, project: Project) -> None:
        self.owners: dict[str, set[str]] = defaultdict(set)
        for path, file in project.native.items():
            for block in file.owned:
                self.owners[plain_library(block.library)].add(path)
        self.defined: dict[tuple[str, str], list[Registration]] = defaultdict(list)
        for each in project.registrations:
            library = plain_library(each.library)
            if each.kind is RegistrationKind.DEF and len(self.owners[library]) > 1:
                self.defined[library, each.location.path].append(each)

    def own(self, impl: Registration, library: str) -> dict[str, Registration]:
        """Return the operators that the file of an implementation defines."""
        return {each.operator: each for each in self.defined[library, impl.location.path]}

    def alone_define(self, impl: Registration, library: str, analysis: Analysis) -> bool:
        """Return whether an operator is defined in rivals alone of the file that implements it."""
        path, owners = impl.location.path, self.owners[library]
        if path not in owners or len(owners) < 2 or impl.operator in self.own(impl, library):  # noqa: PLR2004 -- itself and another
            return False
        where = {
            each.location.path
            for each in analysis.project.registrations
            if each.kind is RegistrationKind.DEF
            and each.operator == impl.operator
            and plain_library(each.library) == library
        }
        return where <= owners and not any(
            path in files and where & files
            for platform in analysis.project.platforms
            for link in analysis.linker.links_on(platform)
            for files in [{part.file.path for part in link.compiled}]
        )
