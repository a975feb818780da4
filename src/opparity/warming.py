"""opparity.warm_up: the first call's costs, paid when it suits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch

from opparity.errors import ArgumentRefused
from opparity.operators import OPERATORS, registration, torch_build
from opparity.operators.selection import resolve, select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True, slots=True)
class Warmed:
    """One operator on one device.

    Attributes:
        provider: the implementation that serves it there.
        calls: how many calls were made, each of another kernel or shape.
    """

    operator: str
    device: str
    provider: str
    calls: int


def warm_up(
    operators: Iterable[str] | None = None,
    devices: Iterable[torch.device | str] | None = None,
    *,
    input_dtypes: Iterable[torch.dtype] = (torch.bfloat16, torch.float16),
    group_sizes: Iterable[int] = (64, 128),
) -> tuple[Warmed, ...]:
    """Load and compile what the first calls would, and wait until that is done.

    Code objects are loaded, kernels looked up and, where Triton serves, compiled. Call it before
    serving, in each process, and before a CUDA graph is captured where Triton serves.

    Args:
        operators: names; all of the table by default.
        devices: every GPU of this process by default, or the CPU where there is none.
        input_dtypes: of the calls to come; the values are of the platform's default dtype.
        group_sizes: of the calls to come.

    Returns:
        What was done, a record for each operator and device.

    Raises:
        ArgumentRefused: for an operator that is not in the table.
        OperatorMissing: where no implementation can serve.
    """
    registration.load()
    known = {operator.name: operator for operator in OPERATORS}
    names = list(known if operators is None else operators)
    if devices is None:
        devices = [f"cuda:{index}" for index in range(torch.cuda.device_count())] or ["cpu"]
    dtypes, groups = list(input_dtypes), list(group_sizes)
    done = []
    for device in map(torch.device, devices):
        for name in names:
            if name not in known:
                detail = f"it is not in the table; allowed: {', '.join(known)}; choose one"
                raise ArgumentRefused(operator=name, detail=detail)
            implementation = select(known[name], torch_build.platform_of(device.type))
            call = cast("Callable[..., int]", resolve(known[name].warm_up))
            calls = call(device, dtypes, groups)
            done.append(Warmed(name, str(device), implementation.provider, calls))
        if device.type != "cpu":
            torch.cuda.synchronize(device)
    return tuple(done)
