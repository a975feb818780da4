"""What an operator and its implementations are: frozen, and free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Implementation:
    """One way to compute an operator, and the platforms it is for.

    Attributes:
        provider: its name, the same in every operator.
        platforms: where it can serve.
        availability: "module:function", a function of a Platform that returns None where the
            implementation can run in this process, and otherwise the reason why it cannot.
        overloads: overload name -> "module:function" with that overload's arguments;
            empty where the native library registers its own kernels.
        sources: C++ files of the operator's folder that belong to it; of these, one named
            *_kernel.cpp is compiled once for each CPU capability.
    """

    provider: str
    platforms: frozenset[Platform]
    availability: str
    overloads: Mapping[str, str]
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator, declared once for every platform.

    Attributes:
        name: its name in torch.ops.opparity, and of its folder.
        summary: one sentence.
        schemas: overload name -> schema; the default overload's name is empty.
        fake: "module:function" that checks the arguments of every overload; it sees no data.
        implementations: in order of preference.
        cases: "module:function" that lists the operator's verification cases.
        workloads: "module:function", a benchmark.workload.WorkloadSource.
        warm_up: "module:function" of a device, input dtypes and group sizes that makes one call for
            each kernel it wants loaded, and returns how many.
    """

    name: str
    summary: str
    schemas: Mapping[str, str]
    fakes: Mapping[str, str]
    implementations: tuple[Implementation, ...]
    cases: str
    workloads: str
    warm_up: str

    def missing_platforms(self) -> frozenset[Platform]:
        """Return the platforms for which no implementation is declared."""
        covered = frozenset[Platform]().union(*(i.platforms for i in self.implementations))
        return frozenset(Platform) - covered
