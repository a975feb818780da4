"""BLD016."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.device_pass import DevicePass, architecture_numbers
from opparity.checker.analysis.types import canonical
from opparity.checker.facts.conditions import Truth, evaluate
from opparity.checker.facts.places import Related
from opparity.checker.rules.base import LinkRule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opparity.checker.analysis.linking import Compiled, Link
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.conditions import Environment
    from opparity.checker.facts.native import Definition
    from opparity.words.statements import Statement


class FunctionTwiceInOnePass(LinkRule):
    """A file defines one function twice in the same pass of the compiler.

    ## Why is this bad?
    It does not compile: a source is compiled once for the host and once more for each architecture,
    and conditions on `__CUDA_ARCH__` that exclude each other on the host may both hold on a device.

    ## Example
    `#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800` around one definition and
    `#if defined(__CUDA_ARCH__)` around the other, built for 9.0.

    ## Use instead
    `#else` instead of a second condition.

    ## Before and after
    Before, in `csrc/fold.cu`:

    ```cuda
    #if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 500
    __device__ float folded(float value) { return value * 2; }
    #endif
    #if defined(__CUDA_ARCH__)
    __device__ float folded(float value) { return value + value; }
    #endif
    ```

    After:

    ```cuda
    #if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 500
    __device__ float folded(float value) { return value * 2; }
    #else
    __device__ float folded(float value) { return value + value; }
    #endif
    ```
    """

    code = "BLD016"
    name = "function-twice-in-one-pass"
    severity = Severity.ERROR
    effect = Effect.BUILD

    def check_link(self, _: Analysis, link: Link) -> Iterator[Finding | Unknown]:
        """Yield each second definition of a function that some pass of a target compiles."""
        numbers = architecture_numbers(link.platform)
        for compiled in link.compiled if link.target.built is Truth.TRUE else ():
            yield from self._check(link, compiled, numbers)

    def _check(
        self, link: Link, compiled: Compiled, numbers: tuple[int, ...]
    ) -> Iterator[Finding | Unknown]:
        twice = list(_same(compiled.file.definitions))
        if not twice or compiled.file.has_errors or compiled.source.built is not Truth.TRUE:
            return
        passes: list[tuple[str, Environment]] = [("", compiled.unit)]
        if compiled.unit.language == "CUDA":
            passes += [
                (f"{number // 100}.{number // 10 % 10}", DevicePass(compiled.unit, number))
                for number in numbers
            ]
        for first, second in twice:
            held = [
                name
                for name, environment in passes
                if all(
                    evaluate(each.condition, environment) is Truth.TRUE for each in (first, second)
                )
            ]
            if held:
                is_certain = (
                    "" in held or bool(link.platform.architectures) or len(held) == len(numbers)
                )
                make = self.finding if is_certain else self.unknown
                yield make(
                    second.location,
                    _statement(link, second, held),
                    platform=link.platform.label,
                    symbol=second.signature.qualified,
                    related=[Related(first.location, state("place.defined"))],
                )


def _statement(link: Link, second: Definition, held: list[str]) -> Statement:
    values = {
        "function": second.signature.qualified,
        "target": link.target.name,
        "platform": link.platform.label,
    }
    if "" in held:
        return state("BLD016.host", **values)
    return state("BLD016.device", architectures=tuple(held), **values)


def _same(definitions: Iterable[Definition]) -> Iterator[tuple[Definition, Definition]]:
    """Yield the pairs of definitions of one function with the same parameters."""
    known: dict[tuple[str, tuple[str, ...]], list[Definition]] = {}
    for each in definitions:
        if each.is_template or each.is_instantiation or each.is_guessed or not each.end_line:
            continue
        if each.arguments or each.signature.name.isupper():
            continue  # a specialisation; a macro's block
        # Specialisations of a template may differ by what they return alone.
        types = (
            canonical(each.signature.return_type),
            *(canonical(parameter.type) for parameter in each.signature.parameters),
        )
        same = known.setdefault((each.signature.qualified, types), [])
        yield from ((other, each) for other in same if other.condition != each.condition)
        same.append(each)
