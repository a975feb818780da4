"""BLD010."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.conditions import (
    ALWAYS,
    NEVER,
    Comparison,
    Defined,
    Truth,
    atoms,
    describe,
    evaluate,
)
from opparity.checker.facts import Definition, Finding, Location, Related, Severity, Unknown
from opparity.checker.naming import operator_name
from opparity.checker.rules.base import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.conditions import Condition
    from opparity.checker.linking import Compiled, Link
    from opparity.checker.project import Project

# Defined only while a compiler makes code for a device: a kernel's body may well hang on it.
_DEVICE_PASS = re.compile(r"__CUDA_ARCH|__HIP_DEVICE_COMPILE__|__gfx|__SYCL_DEVICE_ONLY__")


class BodyEmptyOnPlatform(Rule):
    """A kernel or a bound function is compiled on a platform with nothing left in its body.

    ## Why is this bad?
    It builds, links, is registered and can be called; it does nothing, and the caller gets the
    memory that the output was allocated in.
    No error says so: wrong results are all that is seen.

    ## Example
    `__global__ void gather_scale(float* out, …) { #ifndef USE_ROCM … #endif }` in a source that
    ROCm builds too.

    ## Use instead
    Write the body for the platform; or leave the function and its registration out there; or say
    in the other branch that it is missing: `TORCH_CHECK(false, "…")`.
    """

    code = "BLD010"
    name = "body-empty-on-platform"
    severity = Severity.WARNING

    def check(self, project: Project) -> Iterator[Finding | Unknown]:
        """Yield each kernel and bound function that a platform compiles to nothing."""
        told: set[tuple[str, Location]] = set()
        for platform in project.platforms:
            for link in project.linker.links_on(platform):
                bound = {
                    name.rpartition("::")[2]
                    for registration, _ in link.registrations()
                    for name in (registration.symbol, *registration.mentioned)
                }
                for compiled in link.compiled:
                    for definition in compiled.file.definitions:
                        key = (platform.label, definition.location)
                        if key in told or not _is_judged(definition, bound):
                            continue
                        if _is_emptied(definition, compiled):
                            told.add(key)
                            yield self._finding(link, definition)

    def _finding(self, link: Link, definition: Definition) -> Finding:
        name = definition.signature.qualified
        operators = sorted(
            operator_name(registration, link.target)
            for registration, _ in link.registrations()
            if registration.symbol.rpartition("::")[2] == definition.signature.name
        )
        return self.finding(
            definition.location,
            f"{name} does nothing on {link.platform.label}: all of its body stands under "
            f"`{describe(definition.content)}`",
            platform=link.platform.label,
            operator=operators[0] if operators else "",
            symbol=definition.signature.name,
            related=[Related(link.target.location, f"built here, target {link.target.name}")],
        )


def _is_judged(definition: Definition, bound: set[str]) -> bool:
    if definition.content in {ALWAYS, NEVER} or _hangs_on_device_pass(definition.content):
        return False
    return definition.is_kernel or definition.signature.name in bound


def _hangs_on_device_pass(condition: Condition) -> bool:
    for atom in atoms(condition):
        match atom:
            case Defined(macro) if _DEVICE_PASS.match(macro):
                return True
            case Comparison(left, _, right) if _DEVICE_PASS.match(left) or _DEVICE_PASS.match(
                right
            ):
                return True
    return False


def _is_emptied(definition: Definition, compiled: Compiled) -> bool:
    """Return whether a definition is compiled for certain, and its body for certain is not."""
    return (
        compiled.truth(definition.condition) is Truth.TRUE
        and evaluate(definition.content, compiled.unit) is Truth.FALSE
    )
