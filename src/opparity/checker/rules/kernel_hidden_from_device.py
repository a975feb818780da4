"""BLD010."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.device_pass import DevicePass, architecture_numbers
from opparity.checker.facts.conditions import Defined, Truth, all_of, any_of, atoms, evaluate
from opparity.checker.rules.base import LinkRule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Compiled, Link
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import Definition
    from opparity.words.statements import Statement

_ARCHITECTURE = "__CUDA_ARCH__"


class KernelHiddenFromDevice(LinkRule):
    """A kernel is launched, and for no architecture that is built does the device see it.

    ## Why is this bad?
    nvcc compiles a source once for the host, where `__CUDA_ARCH__` is not defined, and once for
    each architecture; what stands in for the kernel on the host is made in the second pass.
    If `__CUDA_ARCH__` hides the whole kernel there, the extension links and dies with
    `undefined symbol` when it is imported: with nvcc 13.0 and `-arch=sm_75`, the kernel below is
    undefined in the object file.
    (A template's kernel is not: its launch fails.)

    ## Example
    `#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800` around
    `__global__ void repack(…)` and its launch, built for 7.0.

    ## Use instead
    Leave the kernel in every pass, and let `__CUDA_ARCH__` choose its body; or do not build the
    source where no architecture needs it.

    ## Before and after
    Before, in `csrc/marlin.cu`:

    ```cuda
    #if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 750
    #else
    namespace marlin {

    __global__ void gptq_to_marlin(int* packed) { packed[0] = 1; }

    }  // namespace marlin

    torch::Tensor gptq_to_marlin(torch::Tensor weights) {
      marlin::gptq_to_marlin<<<1, 1>>>(weights.data_ptr<int>());
      return weights;
    }
    #endif
    ```

    After:

    ```cuda
    namespace marlin {

    __global__ void gptq_to_marlin(int* packed) {
    #if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 750
      packed[0] = 1;
    #endif
    }

    }  // namespace marlin

    torch::Tensor gptq_to_marlin(torch::Tensor weights) {
      marlin::gptq_to_marlin<<<1, 1>>>(weights.data_ptr<int>());
      return weights;
    }
    ```
    """

    code = "BLD010"
    name = "kernel-hidden-from-device"
    severity = Severity.ERROR
    effect = Effect.IMPORT

    def check_link(self, _: Analysis, link: Link) -> Iterator[Finding | Unknown]:
        """Yield each launched kernel that is hidden for every architecture."""
        numbers = architecture_numbers(link.platform) if link.platform.language == "CUDA" else ()
        for compiled in link.compiled if numbers else ():
            if compiled.is_listed:
                yield from self._check(link, compiled, numbers)

    def _check(
        self, link: Link, compiled: Compiled, numbers: tuple[int, ...]
    ) -> Iterator[Finding | Unknown]:
        hidden = {
            definition.signature.name: definition
            for definition in compiled.file.definitions
            if _is_hidden(compiled, definition, numbers)
        }
        if not hidden:
            return
        for name, truth in _launches(compiled, hidden):
            make = self.finding if _is_certain(truth, link) else self.unknown
            yield make(
                hidden[name].location,
                _statement(name, link),
                platform=link.platform.label,
                symbol=hidden[name].signature.qualified,
            )


def _is_certain(truth: Truth, link: Link) -> bool:
    return truth is Truth.TRUE and link.target.built is Truth.TRUE


def _statement(name: str, link: Link) -> Statement:
    values = {"symbol": name, "target": link.target.name, "platform": link.platform.label}
    built = link.platform.architectures
    if not built:
        return state("BLD010.hidden_everywhere", **values)
    return state("BLD010.hidden", architectures=tuple(built), **values)


def _is_hidden(compiled: Compiled, definition: Definition, numbers: tuple[int, ...]) -> bool:
    """Return whether the host's pass has a kernel that no device's pass has."""
    if not definition.is_kernel or definition.is_template:
        return False
    named = {
        name
        for atom in atoms(definition.condition)
        for name in ((atom.macro,) if isinstance(atom, Defined) else (getattr(atom, "left", ""),))
    }
    return (
        _ARCHITECTURE in named
        and compiled.truth(definition.condition) is Truth.TRUE
        and all(
            evaluate(definition.condition, DevicePass(compiled.unit, number)) is Truth.FALSE
            for number in numbers
        )
    )


def _launches(compiled: Compiled, hidden: dict[str, Definition]) -> Iterator[tuple[str, Truth]]:
    """Yield each kernel that is launched in the source, with whether the launch is compiled."""
    for name in sorted(hidden.keys() & compiled.file.called):
        uses = [each for each in compiled.file.references if each.symbol == name]
        truth = any_of(
            all_of((compiled.truth(each.condition), Truth.UNKNOWN))
            if each.is_in_template or each.is_in_inline
            else compiled.truth(each.condition)
            for each in uses
        )
        if not uses:
            truth = Truth.UNKNOWN  # by a macro, or where no function was read
        if truth is not Truth.FALSE:
            yield name, truth
