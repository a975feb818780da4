"""CAL010."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from opparity.checker.analysis.guards import handles_failure
from opparity.checker.analysis.idle_functions import (
    Reads,
    bound_elsewhere,
    forgotten,
    idle_in_files,
    idle_in_targets,
    is_telling,
)
from opparity.checker.analysis.spelling import Spellings, is_near, is_near_number, is_slip
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.native import RegistrationKind
from opparity.checker.facts.places import Related
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import Definition, Registration
    from opparity.checker.facts.places import Location
    from opparity.words.statements import Statement


# What a test reads of a mock that it has put in a module's place.
_OF_MOCKS = re.compile(
    r"(?:assert_\w+|(?:reset|configure|attach)_mock|return_value|side_effect"
    r"|call_args\w*|call_count|(?:mock|method)_calls|mock_add_spec)$"
)
# So many names of a module are read of an object that is the module.
_FEWEST_BESIDE = 3


class UsedUnderANameNobodyBinds(Rule):
    """Python reads a name that no module binds, and a function or binding waits for it.

    ## Why is this bad?
    The read raises `AttributeError`. Whatever the object is that Python reads the name from, no
    other thing of the tree has it: a binding is one slip away and used by nobody, or a function of
    that name is compiled, declared beside those that are bound, and neither bound nor called there;
    or the object is a module, since what else is read of it there is bound.

    ## Example
    `m.def("froward_affine", &layer_norm_affine)`, where Python calls `kernels.forward_affine(x)`;
    a `rms_norm` in the extension's sources whose `m.def` is gone, and `ops.rms_norm(x)`.

    ## Use instead
    Bind the function under the name that Python uses.

    ## Before and after
    Before, in `csrc/bindings.cpp`:

    ```cpp
      m.def("shift_rows", &shift_rows);
      m.def("sacle_rows", &scale_rows);
    ```

    After:

    ```cpp
      m.def("shift_rows", &shift_rows);
      m.def("scale_rows", &scale_rows);
    ```
    """

    code = "CAL010"
    name = "used-under-a-name-nobody-binds"
    severity = Severity.WARNING
    effect = Effect.CALL

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield the misspelt bindings, then the functions without one."""
        names = {registration.operator for registration in analysis.project.registrations}
        for file in analysis.project.native.values():
            names |= file.named  # methods of bound classes too
        names |= {
            call.operator  # CAL009's
            for script in analysis.project.python.values()
            for call in script.calls
            if call.operator
            and not handles_failure(call)
            and analysis.unregistered.truth(script, call) is not Truth.FALSE
        }
        names |= _taken_by_python(analysis, names)
        misspelt = list(self._misspelt(analysis, names))
        yield from misspelt
        yield from self._misread(analysis, names, {each.operator for each in misspelt})
        told: set[str] = set()
        reads = Reads(analysis, names)
        idle = (*idle_in_targets(analysis, reads), *idle_in_files(analysis, reads))
        for key, found in (
            ("CAL010.unbound", idle),
            ("CAL010.forgotten", forgotten(analysis, reads)),
        ):
            for target, definition in found:
                function = definition.signature.name
                name, use = reads.of(function)
                if use is not None and function not in told:
                    told.add(function)
                    yield self._unbound(target, definition, name, use, key)
        for target, definition, read in bound_elsewhere(analysis):
            if definition.signature.name not in told:
                told.add(definition.signature.name)
                yield self._unbound(target, definition, read.name, read.location)

        yield from self._beside(analysis, names | told)

    def _beside(self, analysis: Analysis, names: set[str]) -> Iterator[Finding]:
        """Yield what Python reads of the object of which it reads a module's names otherwise."""
        bound = _bound_by_whole_files(analysis)
        everywhere = {name: path for path, own in bound.items() for name in own}
        readers = analysis.attributes.readers
        counts = Counter(path for name in everywhere for path in readers.get(name, ()))
        told: set[str] = set()
        for path in sorted(path for path, count in counts.items() if count >= _FEWEST_BESIDE):
            for owner, reads in analysis.attributes.of_objects(path).items():
                files = Counter(everywhere[name] for name in reads if name in everywhere)
                file, count = max(files.items(), key=lambda item: item[1], default=("", 0))
                named = analysis.project.native[file].named if file else frozenset()
                others = [name for name in reads if name not in bound.get(file, set()) | named]
                if owner in {"self", "cls"} or count < max(_FEWEST_BESIDE, 2 * len(others)):
                    continue
                for name in others:
                    is_own = name in names or name in told or not is_telling(name)
                    is_own = is_own or _OF_MOCKS.match(name) is not None
                    if is_own or _is_pythons(analysis, name, path):
                        continue
                    told.add(name)
                    yield self.finding(
                        reads[name],
                        state("CAL010.beside", owner=owner, name=name, source=file, count=count),
                        operator=name,
                        symbol=name,
                    )

    def _unbound(
        self,
        target: str,
        definition: Definition,
        name: str,
        use: Location,
        key: str = "CAL010.unbound",
    ) -> Finding:
        function = definition.signature.name
        return self.finding(
            definition.location,
            state(key, function=function, target=target, name=name),
            symbol=definition.signature.qualified,
            related=[Related(use, state("place.used"))],
        )

    def _misspelt(self, analysis: Analysis, names: set[str]) -> Iterator[Finding]:
        bound = [
            registration
            for registration in analysis.project.registrations
            if registration.kind is not RegistrationKind.IMPL and _is_unused(analysis, registration)
        ]
        if not bound:
            return
        read = Spellings(analysis.attributes.readers.keys() - names)
        told: set[str] = set()
        sisters = _bindings(analysis)
        rivals = _Rivals(analysis)
        for registration in bound:
            for meant in (
                *read.slips_of(registration.operator),
                *_sisters(sisters, registration),
            ):
                use = analysis.attributes.use_of(meant)
                if use is not None and registration.operator not in told:
                    told.add(registration.operator)
                    said = state("CAL010.misspelt", operator=registration.qualified, used=meant)
                    yield self._slip(registration, said, use)
            for meant, rival in rivals.meant(registration):
                use = analysis.attributes.use_of(meant)
                if use is not None and registration.operator not in told:
                    told.add(registration.operator)
                    values = {"operator": registration.qualified, "used": meant}
                    said = state("CAL010.rival", source=rival, **values)
                    yield self._slip(registration, said, use)

    def _slip(self, registration: Registration, said: Statement, use: Location) -> Finding:
        return self.finding(
            registration.location,
            said,
            operator=registration.qualified,
            symbol=registration.symbol,
            related=[Related(use, state("place.used"))],
        )

    def _misread(self, analysis: Analysis, names: set[str], told: set[str]) -> Iterator[Finding]:
        """Yield what Python reads that is one slip from an operator, and stands nowhere else."""
        known: dict[str, Registration] = {}
        for registration in analysis.project.registrations:
            if registration.kind is not RegistrationKind.IMPL:
                known.setdefault(registration.operator, registration)
        for written, meant, place in analysis.attributes.misspelt(known):
            is_told = known[meant].qualified in told
            if is_told or written in names or written in analysis.project.definitions:
                continue
            yield self.finding(
                place,
                state("CAL010.misread", name=written, operator=known[meant].qualified),
                operator=known[meant].qualified,
                symbol=written,
                related=[Related(known[meant].location, state("place.registered"))],
            )


def _is_pythons(analysis: Analysis, name: str, path: str) -> bool:
    """Return whether Python has a name for something else than what a file reads.

    What the file itself defines under that name is its wrapper, which others may use.
    """
    is_wrapper = analysis.attributes.definers.get(name) == [path]
    return not is_wrapper and analysis.attributes.is_a_name_of_pythons(name)


def _bound_by_whole_files(analysis: Analysis) -> dict[str, set[str]]:
    """Return file -> the functions that it binds to a module, where all that it binds is known."""
    found: dict[str, set[str]] = {}
    for path, file in analysis.project.native.items():
        own = {each.operator for each in file.registrations if each.kind is RegistrationKind.BIND}
        if own and not (file.unfollowed or file.handed_on or file.macro_uses):
            found[path] = own
    return found


def _taken_by_python(analysis: Analysis, names: set[str]) -> set[str]:
    """Return the operators that Python defines: a read of their names is a read of them.

    But where the names are a function's that nothing binds, or one slip from a binding that nobody
    reads, and Python reads them of an object of its own, which is a module then.
    """
    python = {name.rpartition("::")[2] for name in analysis.operators.python} - names
    unread = Spellings(
        {each.operator for each in analysis.project.registrations if _is_unused(analysis, each)}
    )
    return {
        name
        for name in python
        if not (name in analysis.project.definitions or unread.slips_of(name))
        or not analysis.attributes.is_read_of_an_object(name)
    }


def _bindings(analysis: Analysis) -> dict[tuple[str, str], set[str]]:
    """Return the names that each file binds each function under."""
    found: dict[tuple[str, str], set[str]] = {}
    for path, file in analysis.project.native.items():
        for each in file.registrations:
            found.setdefault((path, each.symbol), set()).add(each.operator)
    return found


def _sisters(
    sisters: Mapping[tuple[str, str], set[str]], registration: Registration
) -> Iterator[str]:
    """Yield the names, one slip away, that a file binds the same function's overloads under."""
    place = (registration.location.path, registration.symbol)
    names = sisters.get(place, ()) if registration.symbol else ()
    written = registration.operator
    for name in sorted(names):
        if is_near(written, name) or is_near_number(written, name):
            yield name


def _is_unused(analysis: Analysis, registration: Registration) -> bool:
    return registration.operator not in analysis.attributes.readers


class _Rivals:
    """Files that bind the same names, for two modules of which one is taken."""

    def __init__(self, analysis: Analysis) -> None:
        self.bound: dict[str, set[str]] = {}
        for path, file in analysis.project.native.items():
            names = {r.operator for r in file.registrations if r.kind is RegistrationKind.BIND}
            if len(names) >= _FEWEST_BESIDE:
                self.bound[path] = names
        everywhere = {name for names in self.bound.values() for name in names}
        self.read = Spellings(everywhere & analysis.attributes.readers.keys())

    def meant(self, registration: Registration) -> Iterator[tuple[str, str]]:
        """Yield what a rival binds and a file lacks, one slip from a binding, and the rival."""
        own = self.bound.get(registration.location.path, set())
        written = registration.operator
        near = self.read.near(written) if own else []
        for name in (
            each for each in near if is_slip(written, each) or is_near_number(written, each)
        ):
            for path, names in self.bound.items() if name not in own else ():
                if name in names and len(names & own) >= _FEWEST_BESIDE:
                    yield name, path
