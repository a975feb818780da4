"""DEF009."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.names import operator_name
from opparity.checker.facts.native import RegistrationKind
from opparity.checker.facts.places import Related
from opparity.checker.rules.base import LinkRule
from opparity.checker.rules.findings import Effect, Finding, Severity
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Link
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import Definition, Registration

_DEVICES = frozenset({"CUDA", "HIP", "XPU", "CPU", "MPS", "PrivateUse1", "HPU"})
_DEVICE_SOURCE = (".cu", ".cuh", ".hip")


class MetaBoundToKernel(LinkRule):
    """The `Meta` implementation of an operator is the function that runs its kernel.

    ## Why is this bad?
    Meta tensors have no data: under torch.compile and export the function reads or launches on a
    null pointer.

    ## Example
    `m.impl("count_bits", &count_bits)` in `TORCH_LIBRARY_IMPL(demo, Meta, m)`, copied from the
    block for CUDA, while `count_bits_meta` is defined and used nowhere.

    ## Use instead
    The function that makes the result's shape alone.

    ## Before and after
    Before, in `csrc/count.cu`:

    ```cuda
      library.impl("count", c10::DispatchKey::CUDA, TORCH_FN(count));
      library.impl("count", c10::DispatchKey::Meta, TORCH_FN(count));
    ```

    After:

    ```cuda
      library.impl("count", c10::DispatchKey::CUDA, TORCH_FN(count));
      library.impl("count", c10::DispatchKey::Meta, TORCH_FN(shape_of_count));
    ```
    """

    code = "DEF009"
    name = "meta-bound-to-kernel"
    severity = Severity.WARNING
    effect = Effect.NONE

    def check_link(self, analysis: Analysis, link: Link) -> Iterator[Finding]:
        """Yield each such binding that the target compiles."""
        metas: list[Registration] = []
        devices: dict[tuple[str, str], Registration] = {}
        for registration, use in link.registrations():
            if registration.kind is not RegistrationKind.IMPL or not registration.symbol:
                continue
            if use.truth is Truth.FALSE:
                continue
            if registration.key == "Meta":
                metas.append(registration)
            elif registration.key in _DEVICES:
                key = (registration.operator, _last(registration.symbol))
                devices.setdefault(key, registration)
        for meta in metas:
            symbol = _last(meta.symbol)
            device = devices.get((meta.operator, symbol))
            if device is None:
                continue
            idle = _idle(analysis, symbol)
            on_device = [
                each
                for each, _ in link.definitions.get(symbol, ())
                if each.location.path.endswith(_DEVICE_SOURCE)
            ]
            # xformers has templates whose argument says that there is no data.
            is_template = any(
                each.is_template or each.is_instantiation
                for each, _ in link.definitions.get(symbol, ())
            )
            if idle or (on_device and not is_template):
                yield self._finding(link, meta, device, idle)

    def _finding(
        self, link: Link, meta: Registration, device: Registration, idle: list[Definition]
    ) -> Finding:
        name = operator_name(meta, link.target)
        values = {"operator": name, "symbol": _last(meta.symbol), "key": device.key}
        said = state("DEF009.bound", **values)
        if idle:
            said = state("DEF009.idle", function=idle[0].signature.name, **values)
        return self.finding(
            meta.location,
            said,
            platform=link.platform.label,
            operator=name,
            symbol=_last(meta.symbol),
            related=[
                Related(device.location, state("place.bound", name=_last(meta.symbol))),
                *(Related(each.location, state("place.defined")) for each in idle),
            ],
        )


def _idle(analysis: Analysis, symbol: str) -> list[Definition]:
    """Return the functions that are named as the operator's Meta and that nothing uses."""
    names = (f"{symbol}_meta", f"meta_{symbol}", f"{symbol}_fake", f"{symbol}_abstract")
    used = {
        _last(name)
        for registration in analysis.project.registrations
        for name in registration.functions
    }
    found = analysis.project.definitions
    return [each for name in names if name not in used for each in found.get(name, ())]


def _last(symbol: str) -> str:
    return symbol.rpartition("::")[2]
