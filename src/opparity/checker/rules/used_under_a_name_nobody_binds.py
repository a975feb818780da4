"""CAL010."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from opparity.checker.analysis.operators import handles_absence
from opparity.checker.analysis.spelling import Spellings, is_near
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.native import RegistrationKind
from opparity.checker.facts.places import Related
from opparity.checker.facts.records import fact
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opparity.checker.analysis.linking import Compiled, Link
    from opparity.checker.analysis.module_reads import ModuleRead
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import Definition, Registration
    from opparity.checker.facts.places import Location


# So many names of a module are read of an object that is the module.
_FEWEST_BESIDE = 3


class UsedUnderANameNobodyBinds(Rule):
    """Python reads a name that no module binds, and a function or binding waits for it.

    ## Why is this bad?
    The read raises `AttributeError`. Whatever the object is that Python reads the name from, no
    other thing of the tree has it: a binding is one slip away and used by nobody, or a function of
    that name is compiled, declared beside those that are bound, and neither bound nor called; or
    the object is a module, since what else is read of it there is bound.

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
            and not handles_absence(call)
            and analysis.unregistered.truth(script, call) is not Truth.FALSE
        }
        names |= _taken_by_python(analysis, names)
        misspelt = list(self._misspelt(analysis, names))
        yield from misspelt
        yield from self._misread(analysis, names, {each.operator for each in misspelt})
        told: set[str] = set()
        reads = _Reads(analysis, names)
        for target, definition in (
            *_idle_in_targets(analysis, reads),
            *_idle_in_files(analysis, reads),
        ):
            function = definition.signature.name
            name, use = reads.of(function)
            if use is not None and function not in told:
                told.add(function)
                yield self._unbound(target, definition, name, use)
        for target, definition, read in _bound_elsewhere(analysis):
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
                others = [name for name in reads if name not in bound.get(file, ())]
                if owner in {"self", "cls"} or count < max(_FEWEST_BESIDE, 2 * len(others)):
                    continue
                for name in others:
                    is_own = name in names or name in told or "_" not in name.strip("_")
                    if is_own or analysis.attributes.is_a_name_of_pythons(name):
                        continue
                    told.add(name)
                    yield self.finding(
                        reads[name],
                        state("CAL010.beside", owner=owner, name=name, source=file, count=count),
                        operator=name,
                        symbol=name,
                    )

    def _unbound(self, target: str, definition: Definition, name: str, use: Location) -> Finding:
        function = definition.signature.name
        return self.finding(
            definition.location,
            state("CAL010.unbound", function=function, target=target, name=name),
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
        for registration in bound:
            for meant in (
                *read.slips_of(registration.operator),
                *_sisters(sisters, registration),
            ):
                use = analysis.attributes.use_of(meant)
                if use is None or registration.operator in told:
                    continue
                told.add(registration.operator)
                yield self.finding(
                    registration.location,
                    state("CAL010.misspelt", operator=registration.qualified, used=meant),
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
    yield from (name for name in sorted(names) if is_near(registration.operator, name))


def _is_unused(analysis: Analysis, registration: Registration) -> bool:
    return registration.operator not in analysis.attributes.readers


@fact
class _Reads:
    """Under which name Python may read a function, of the names that nothing else has."""

    analysis: Analysis
    taken: set[str]

    def of(self, function: str) -> tuple[str, Location | None]:
        """Return the name and where it is read; None where it is not.

        `dispatch_rms_norm` may be bound as `rms_norm`, `pack_trellis_wrapper` as `pack_trellis`.
        """
        words = function.split("_")
        whole = (function, "_".join(words[1:]), "_".join(words[:-1]))
        # A single word is a name of many things.
        for name in (each for each in whole if "_" in each.strip("_")):
            use = None if name in self.taken else self.analysis.attributes.use_of(name)
            if use is not None:
                return name, use
        return "", None


def _bound_elsewhere(analysis: Analysis) -> Iterator[tuple[str, Definition, ModuleRead]]:
    """Yield the functions that a module has on two platforms, and binds on one of them alone.

    Each with what Python reads of it.
    """
    for each in analysis.modules_read:
        for read in each.reads if each.is_whole and len(each.links) > 1 else ():
            symbols = {
                registration.symbol.rpartition("::")[2]
                for link in each.links
                for part in link.compiled
                for registration in part.file.registrations
                if registration.operator == read.name and registration.symbol
            }
            for link in each.links:
                bodies = [
                    definition
                    for symbol in sorted(symbols)
                    for definition, part in link.definitions.get(symbol, ())
                    if part.is_listed and part.truth(definition.condition) is Truth.TRUE
                ]
                if bodies and not each.binds(link, read.name):
                    yield link.target.name, bodies[0], read


def _idle_in_targets(analysis: Analysis, reads: _Reads) -> Iterator[tuple[str, Definition]]:
    for platform in analysis.project.platforms:
        for link in analysis.linker.links_on(platform):
            yield from ((link.target.name, each) for each in _idle(analysis, link, reads))


def _idle_in_files(analysis: Analysis, reads: _Reads) -> Iterator[tuple[str, Definition]]:
    """Yield the functions of files with bindings that no build lists: a program compiles them."""
    native = analysis.project.native
    paths = [path for path in analysis.basis.binding_files if path not in analysis.basis.listed]
    for path in paths:
        file = native[path]
        own = {each.signature.name for each in file.definitions}
        if not any(reads.of(name)[1] for name in own):
            continue
        bound = {
            name.rpartition("::")[2]
            for registration in file.registrations
            for name in (registration.symbol, *registration.mentioned)
        }
        passed = analysis.further_uses.of(file).passed
        used = bound | {each.symbol for each in (*file.references, *file.tabled, *passed)}
        for other in native.values():
            if other.path != path:
                used |= other.called & own
        shown = {each.signature.name for each in file.declarations if not each.is_member}
        elsewhere = [
            each
            for name in sorted(shown - used)
            for each in analysis.project.definitions.get(name, ())
        ]
        for each in (*file.definitions, *elsewhere):
            is_plain = not (each.is_template or each.is_inline or each.is_kernel)
            is_method = each.signature.namespace[-1:] and each.signature.namespace[-1][:1].isupper()
            if each.signature.name not in used and is_plain and not is_method and each.end_line:
                yield path, each


def _idle(analysis: Analysis, link: Link, reads: _Reads) -> Iterator[Definition]:
    """Yield the functions beside a target's bindings that nothing binds or calls."""
    if link.target.kind not in {"module", "shared", "jit"} or link.is_complete is not Truth.TRUE:
        return
    used: set[str] = set()
    seen: set[str] = set()
    for compiled in link.compiled:
        file = compiled.file
        # What a file declares or defines looks called there.
        own = {each.signature.name for each in file.declarations}
        own |= {each.signature.name for each in file.definitions}
        used |= file.called - own
        used |= {each.symbol for each in (*file.references, *file.tabled)}
        for registration in file.registrations:
            named = (registration.symbol, *registration.mentioned)
            used |= {name.rpartition("::")[2] for name in named}
        if file.registrations:
            seen |= _declared(analysis, compiled)
    idle = {name for name in (seen & link.definitions.keys()) - used if reads.of(name)[1]}
    # These uses are read of the files that are asked for alone.
    for compiled in link.compiled if idle else ():
        further = analysis.further_uses.of(compiled.file)
        idle -= {each.symbol for each in (*further.methods, *further.passed)}
    for name in sorted(idle):
        for definition, part in link.definitions[name]:
            is_plain = not (definition.is_template or definition.is_inline or definition.is_kernel)
            is_near = not definition.is_local or bool(part.file.registrations)
            is_plain = is_plain and not name.startswith("PyInit_")
            if is_plain and is_near and definition.end_line and part.is_listed:
                yield definition
                break


def _declared(analysis: Analysis, compiled: Compiled) -> set[str]:
    """Return the plain functions that a file with bindings declares, sees declared or defines."""
    path = compiled.file.path
    visible = (path, *analysis.linker.closure(path, compiled.unit))
    names = {
        each.signature.name
        for other in visible
        for each in analysis.project.native[other].declarations
        if not each.is_member
    }
    # A function of a namespace that begins with a capital is a method.
    return names | {
        each.signature.name
        for each in compiled.file.definitions
        if not each.signature.namespace or not each.signature.namespace[-1][:1].isupper()
    }
