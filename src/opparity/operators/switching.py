"""Which implementation's kernels torch calls: chosen anew while the process runs.

torch's dispatcher exchanges a kernel in steps, and a call in another thread may meet one halfway:
it was seen to get another operator's kernel. So kernels of the native library, which serve as they
are registered, are covered once by Python ones that ask at each call who serves; they are taken
away where no other thread could be calling. Under them, the native kernels have names of their own.
"""

from __future__ import annotations

import threading
import warnings
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, cast

import torch

from opparity.errors import OperatorMissing, ReferenceServes
from opparity.operators import OPERATORS, native_library, torch_build
from opparity.operators.namespace import NAMESPACE, NATIVE_NAMESPACE
from opparity.operators.selection import Refused, decisions, resolve, select
from opparity.platforms import PLATFORMS, Platform

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.operators.declaration import Implementation, Operator

_chosen: dict[Platform, Implementation | None] = {}
_covers: dict[Platform, torch.library.Library] = {}
_kernels: dict[tuple[str, str], Callable[..., Any]] = {}
# What the first call on a platform tells, where nobody asked for the reference that serves it.
_untold: dict[Platform, str] = {}
_told: set[Platform] = set()


def apply(*, other_threads_follow: bool = False) -> None:
    """Put in force what the selection says now; called with the selection's lock held.

    Args:
        other_threads_follow: whether another thread may change the selection soon.
    """
    for platform in (Platform.CPU, torch_build.gpu_platform() or Platform.CUDA):
        try:
            choice = select(OPERATORS[0].name, platform)
        except OperatorMissing:
            choice = None
        _chosen[platform] = choice
        _untold.pop(platform, None)
        if choice is not None and choice.kernel is not None and platform not in _told:
            _prepare_to_tell(platform)
        is_native = choice is not None and choice.kernel is None
        alone = threading.active_count() == 1
        if platform not in _covers and (not is_native or (other_threads_follow and not alone)):
            _covers[platform] = _cover(platform)
        elif platform in _covers and is_native and alone:
            _covers.pop(platform)._destroy()  # noqa: SLF001 -- torch's own way to take kernels back


def _prepare_to_tell(platform: Platform) -> None:
    """Keep the words for the first call by the reference, unless somebody asked for it."""
    refusals = [decision for decision in decisions(platform) if isinstance(decision, Refused)]
    if native_library.IS_EXPECTED and not any(refusal.is_asked for refusal in refusals):
        reasons = "; ".join(f"{each.implementation.provider}: {each.reason}" for each in refusals)
        _untold[platform] = (
            f"opparity's reference serves on {platform}: the bits are the same, and it is many "
            f"times slower. {reasons}. `opparity doctor` says more; OPPARITY_FORBID=native asks "
            "for the reference and silences this warning"
        )


def _tell(platform: Platform) -> None:
    words = _untold.pop(platform, None)
    if words is not None:
        _told.add(platform)
        warnings.warn(words, ReferenceServes, stacklevel=3)


def _cover(platform: Platform) -> torch.library.Library:
    library = torch.library.Library(NAMESPACE, "IMPL")
    key = PLATFORMS[platform].dispatch_key
    # torch warns once a process of a kernel that stands in front of another, which is wanted here.
    with nullcontext() if _has_warned else warnings.catch_warnings():
        if not _has_warned:
            pattern = "(?s).*Overriding a previously registered kernel"
            warnings.filterwarnings("ignore", message=pattern)
        for operator in OPERATORS:
            name = operator.qualified_name
            if _has_kernel(operator, key):
                _has_warned.append(True)
            library.impl(name, _asking(operator, platform), key, allow_override=True)
    return library


_has_warned: list[bool] = []


def _has_kernel(operator: Operator, key: str) -> bool:
    name = f"{NAMESPACE}::{operator.qualified_name}"
    return torch._C._dispatch_has_kernel_for_dispatch_key(name, key)  # noqa: SLF001


def _asking(operator: Operator, platform: Platform) -> Callable[..., Any]:
    """Return a kernel that hands each call to who serves then."""

    def run(*positional: object, **named: object) -> object:
        choice = _chosen[platform]
        if choice is None:
            # Raises, with the reasons.
            choice = select(operator.name, platform)
        if platform in _untold:
            _tell(platform)
        return _kernel(choice, operator)(*positional, **named)

    return run


def _kernel(choice: Implementation, operator: Operator) -> Callable[..., Any]:
    place = (choice.kernel or choice.provider, operator.qualified_name)
    if place not in _kernels:
        _kernels[place] = _made(choice, operator)
    return _kernels[place]


def _made(choice: Implementation, operator: Operator) -> Callable[..., Any]:
    if choice.kernel is None:
        packet = getattr(getattr(torch.ops, NATIVE_NAMESPACE), operator.name)
        return cast("Callable[..., Any]", getattr(packet, operator.overload or "default"))
    make = cast("Callable[[Operator], Callable[..., Any]]", resolve(choice.kernel))
    return make(operator)
