"""BLD001."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.analysis.doubts import because, doubts_of
from opparity.checker.analysis.nowhere import is_lost
from opparity.checker.analysis.whereabouts import Whereabouts, find_symbol
from opparity.checker.facts.conditions import ALWAYS, Truth, describe
from opparity.checker.facts.names import operator_name
from opparity.checker.rules.base import LinkRule
from opparity.checker.rules.borrowing import Borrowing
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Link, Use
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import Registration
    from opparity.words.statements import Statement, Value

# `m.def("musaGetErrorString", &musaGetErrorString)`: functions of runtimes, as torch binds them,
# which no file of the tree declares.
_OF_TOOLKITS = re.compile(r"(?:cuda|hip|musa)[A-Z]\w*$")


class RegisteredNotBuilt(LinkRule):
    """An operator is registered on a platform whose build omits the source that defines it.

    ## Why is this bad?
    The registration takes the function's address, and nothing that is linked defines it:
    the extension links, and dies with `undefined symbol` when it is imported.
    Every operator of the extension is lost with it, not only this one.

    ## Example
    `ops.impl("silu_and_mul_per_block_quant", torch::kCUDA, &silu_and_mul_per_block_quant)` in
    `torch_bindings.cpp`, which every platform builds, with the `.cu` in the CUDA list only.
    The same with a function that no file of the tree defines, where the tree declares it beside
    others that it does define, or nothing that is included could declare it.

    ## Use instead
    Add the source to the platform's list, or register the implementation in the source file that
    defines the function: what is not built is then not registered.
    A guard around the registration works too, if it tests a macro that the build really defines.

    ## Before and after
    Before, in `CMakeLists.txt`:

    ```cmake
    set(EXTENSION_SOURCES
      "csrc/activation_kernels.cu"
      "csrc/torch_bindings.cpp")

    if(GPU_LANGUAGE STREQUAL "CUDA")
      list(APPEND EXTENSION_SOURCES "csrc/quantization/silu_and_mul_per_block_quant.cu")
    endif()
    ```

    After:

    ```cmake
    set(EXTENSION_SOURCES
      "csrc/activation_kernels.cu"
      "csrc/quantization/silu_and_mul_per_block_quant.cu"
      "csrc/torch_bindings.cpp")
    ```
    """

    code = "BLD001"
    name = "registered-not-built"
    severity = Severity.ERROR
    effect = Effect.IMPORT

    def check_link(self, analysis: Analysis, link: Link) -> Iterator[Finding | Unknown]:
        """Yield each registration whose function the target does not define."""
        borrowing = Borrowing(link)
        for registration, use in link.registrations():
            yield from self._check(analysis, link, registration, use, borrowing)
        yield from borrowing.unknowns(self)

    def _check(
        self,
        analysis: Analysis,
        link: Link,
        registration: Registration,
        use: Use,
        borrowing: Borrowing,
    ) -> Iterator[Finding | Unknown]:
        for symbol in registration.functions:
            is_bound = symbol == registration.symbol
            found = find_symbol(analysis, link, symbol, use, registration.scope)
            name = symbol.rpartition("::")[2]
            is_toolkits = _OF_TOOLKITS.match(name) and name not in analysis.project.declarations
            if found.answer is Truth.TRUE or (found.is_nowhere and (is_toolkits or not is_bound)):
                continue
            if found.is_borrowed:
                borrowing.note(found, symbol, registration.location)
                continue
            related = [*found.related]
            statement = _statement(registration, symbol, link, found)
            certain = found.answer is Truth.FALSE and not found.is_nowhere
            if found.is_nowhere:
                certain = is_lost(analysis, link, symbol, use)
            if certain and use.truth is Truth.TRUE and link.target.built is Truth.TRUE:
                yield self.finding(
                    registration.location,
                    statement,
                    platform=link.platform.label,
                    operator=operator_name(registration, link.target),
                    symbol=symbol,
                    related=related,
                )
            else:
                yield self.unknown(
                    registration.location,
                    because(statement, doubts_of(analysis, link, symbol, use, found)),
                    platform=link.platform.label,
                    operator=operator_name(registration, link.target),
                    symbol=symbol,
                    related=related,
                )


def _statement(
    registration: Registration, symbol: str, link: Link, found: Whereabouts
) -> Statement:
    values: dict[str, Value] = {
        "operator": operator_name(registration, link.target),
        "symbol": symbol,
        "target": link.target.name,
        "platform": link.platform.label,
        "reason": found.reason,
    }
    if registration.condition == ALWAYS:
        return state("BLD001.registered", **values)
    return state("BLD001.registered_guarded", guard=describe(registration.condition), **values)
