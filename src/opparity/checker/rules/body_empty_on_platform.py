"""BLD011."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.analysis.operators import Process
from opparity.checker.facts.conditions import (
    ALWAYS,
    NEVER,
    Comparison,
    Defined,
    Truth,
    atoms,
    describe,
    evaluate,
)
from opparity.checker.facts.names import operator_name
from opparity.checker.facts.places import Location, Related
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Compiled, Link
    from opparity.checker.analysis.project import Project
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.native import Definition

# Defined only while a compiler makes code for a device: a kernel's body may well hang on it.
_DEVICE_PASS = re.compile(r"__CUDA_ARCH|__HIP_DEVICE_COMPILE__|__gfx|__SYCL_DEVICE_ONLY__")


class BodyEmptyOnPlatform(Rule):
    """A kernel or a bound function is compiled on a platform with nothing left in its body.

    ## Why is this bad?
    It builds, links, is registered and can be called; it does nothing, and the caller gets the
    memory that the output was allocated in.
    No error says so: wrong results are all that is seen.

    Where Python turns the platform away from the operator it is information.

    ## Example
    `__global__ void gather_scale(float* out, …) { #ifndef USE_ROCM … #endif }` in a source that
    ROCm builds too.

    ## Use instead
    Write the body for the platform; or leave the function and its registration out there; or say
    in the other branch that it is missing: `TORCH_CHECK(false, "…")`.

    ## Before and after
    Before, in `csrc/kernels.cu`:

    ```cuda
    __global__ void gelu_kernel(float* out, const float* in, int count) {
      // Only tensor cores of NVIDIA do this.
    #ifndef USE_ROCM
      int i = threadIdx.x;
      if (i < count) out[i] = in[i];
    #endif
    }
    ```

    After:

    ```cuda
    __global__ void gelu_kernel(float* out, const float* in, int count) {
      int i = threadIdx.x;
      if (i < count) out[i] = in[i];
    }
    ```
    """

    code = "BLD011"
    name = "body-empty-on-platform"
    severity = Severity.WARNING
    effect = Effect.RESULT

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each kernel and bound function that a platform compiles to nothing."""
        told: set[tuple[str, Location]] = set()
        for platform in analysis.project.platforms:
            for link in analysis.linker.links_on(platform):
                operators = _operators_by_function(link)
                emptied = [
                    definition
                    for compiled in link.compiled
                    for definition in compiled.file.definitions
                    if _is_judged(definition, operators, analysis.project)
                    and _is_emptied(definition, compiled)
                ]
                # A kernel beside the emptied function that launches it needs no word of its own.
                entered = {
                    each.location.path for each in emptied if each.signature.name in operators
                }
                for definition in emptied:
                    key = (platform.label, definition.location)
                    name = definition.signature.name
                    if key in told or (name not in operators and key[1].path in entered):
                        continue
                    told.add(key)
                    yield self._finding(analysis, link, definition, operators.get(name, ""))

    def _finding(
        self, analysis: Analysis, link: Link, definition: Definition, operator: str
    ) -> Finding:
        uses = [call for call in analysis.operators.touches() if call.qualified == operator]
        process = Process(link.platform, analysis.operators)
        is_avoided = bool(uses) and all(
            process.truth_of(call.guards) is Truth.FALSE for call in uses
        )
        return self.finding(
            definition.location,
            state(
                "BLD011.avoided" if is_avoided else "BLD011.emptied",
                function=definition.signature.qualified,
                platform=link.platform.label,
                guard=describe(definition.content),
            ),
            platform=link.platform.label,
            operator=operator,
            symbol=definition.signature.name,
            severity=Severity.INFORMATION if is_avoided else None,
            effect=Effect.NONE if is_avoided else None,
            related=[
                Related(link.target.location, state("place.built_into", target=link.target.name))
            ],
        )


def _operators_by_function(link: Link) -> dict[str, str]:
    """Return the last part of each bound function's name -> an operator that it is bound to."""
    found: dict[str, str] = {}
    for registration, _ in link.registrations():
        for name in registration.functions:
            if name:
                found.setdefault(name.rpartition("::")[2], operator_name(registration, link.target))
    return found


def _is_judged(definition: Definition, bound: dict[str, str], project: Project) -> bool:
    if definition.content in {ALWAYS, NEVER}:
        return False
    if not definition.is_kernel and definition.signature.name not in bound:
        return False
    return not _hangs_on_device_pass(definition.content, project)


def _hangs_on_device_pass(condition: Condition, project: Project) -> bool:
    """Return whether a condition asks for the device pass, itself or by the tree's own macros.

    DeepSpeed defines HALF_PRECISION_AVAILABLE where `__CUDA_ARCH__ >= 530`.
    """
    waiting, seen = [condition], set[str]()
    while waiting:
        for atom in atoms(waiting.pop()):
            match atom:
                case Defined(macro):
                    names = {macro}
                case Comparison(left, _, right):
                    names = {left, right}
                case _:
                    names = set()
            if any(_DEVICE_PASS.match(name) for name in names):
                return True
            for name in names - seen:
                seen.add(name)
                definitions = project.macro_definitions.get(name, ())
                waiting.extend(definition.condition for definition in definitions)
    return False


def _is_emptied(definition: Definition, compiled: Compiled) -> bool:
    """Return whether a definition is compiled for certain, and its body for certain is not."""
    return (
        compiled.truth(definition.condition) is Truth.TRUE
        and evaluate(definition.content, compiled.unit) is Truth.FALSE
    )
