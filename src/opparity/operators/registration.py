"""From the operator table to torch.library: schemas, kernels and fakes, once a process.

The native library defines the schemas and registers its kernels. Everything else is done here,
and here the selection's outcome is put in force: where it differs from what the native library
registered, a Python kernel stands in front of that one until the policy changes again.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING

import torch

from opparity.errors import OperatorMissing
from opparity.operators import OPERATORS, native_library, torch_build
from opparity.operators.selection import resolve, select
from opparity.platforms import PLATFORMS, Platform

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.operators.declaration import Implementation, Operator

NAMESPACE = "opparity"


@cache
def load() -> None:
    """Make torch.ops.opparity complete: call it before using the operators by their torch name."""
    definitions = torch.library.Library(NAMESPACE, "FRAGMENT")
    _keep.append(definitions)
    native = native_library.load() is None
    for operator in OPERATORS:
        for overload, schema in operator.schemas.items():
            name = _overload_name(operator, overload)
            if not native:
                definitions.define(f"{name}{schema}", tags=(torch.Tag.pt2_compliant_tag,))
            torch.library.register_fake(
                f"{NAMESPACE}::{name}", resolve(operator.fakes[overload]), lib=definitions
            )
    apply()


def apply() -> None:
    """Put in force what the selection says now."""
    places = [Platform.CPU, torch_build.gpu_platform() or Platform.CUDA]
    for operator in OPERATORS:
        for platform in places:
            _apply(operator, platform)


_keep: list[torch.library.Library] = []
_in_force: dict[tuple[str, Platform], tuple[str, torch.library.Library | None]] = {}


def _apply(operator: Operator, platform: Platform) -> None:
    choice: Implementation | OperatorMissing
    try:
        choice = select(operator, platform)
    except OperatorMissing as missing:
        choice = missing
    label = str(choice) if isinstance(choice, OperatorMissing) else choice.provider
    place = (operator.name, platform)
    previous, library = _in_force.get(place, (None, None))
    if previous == label:
        return
    if library is not None:
        library._destroy()  # noqa: SLF001 -- torch's own way to take a kernel back
    library = None
    if isinstance(choice, OperatorMissing) or choice.overloads:
        library = _register(operator, platform, choice)
    _in_force[place] = (label, library)


def _register(
    operator: Operator, platform: Platform, choice: Implementation | OperatorMissing
) -> torch.library.Library:
    library = torch.library.Library(NAMESPACE, "IMPL")
    with warnings.catch_warnings():
        # Standing in front of the native kernel is what is wanted here, and torch warns of it.
        warnings.filterwarnings("ignore", message="(?s).*Overriding a previously registered kernel")
        for overload in operator.schemas:
            library.impl(
                _overload_name(operator, overload),
                _kernel(choice, overload),
                PLATFORMS[platform].dispatch_key,
                allow_override=True,
            )
    return library


def _kernel(choice: Implementation | OperatorMissing, overload: str) -> Callable[..., object]:
    if isinstance(choice, OperatorMissing):
        missing = choice

        def refuse(*_: object, **__: object) -> None:
            raise missing

        return refuse
    return resolve(choice.overloads[overload])


def _overload_name(operator: Operator, overload: str) -> str:
    return f"{operator.name}.{overload}" if overload else operator.name
