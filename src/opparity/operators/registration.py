"""From the operator table to torch.library: schemas, kernels and fakes, once a process.

The native library defines the schemas and registers its kernels. Everything else is done here,
and here the selection's outcome is put in force: where it differs from what the native library
registered, a Python kernel stands in front of that one until the policy changes again.
"""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, cast

import torch

from opparity.errors import OperatorMissing
from opparity.operators import OPERATORS, batching, gradients, native_library, torch_build
from opparity.operators.allocation import allocate
from opparity.operators.checks import check
from opparity.operators.request import reader_of
from opparity.operators.selection import LOCK, resolve, select
from opparity.platforms import PLATFORMS, Platform

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.operators.declaration import Operator
    from opparity.operators.request import Reader

    _MakeKernel = Callable[[Operator], Callable[..., Any]]

NAMESPACE = "opparity"


def load() -> None:
    """Make torch.ops.opparity complete: call it before using the operators by their torch name."""
    with LOCK:
        if not _keep:
            _load()


def _load() -> None:
    definitions = torch.library.Library(NAMESPACE, "FRAGMENT")
    _keep.append(definitions)
    native = native_library.load() is None
    definitions.define(f"{gradients.REFUSAL}{gradients.REFUSAL_SCHEMA}")
    definitions.impl(gradients.REFUSAL, gradients.refuse_gradient, "CompositeExplicitAutograd")
    torch.library.register_fake(
        f"{NAMESPACE}::{gradients.REFUSAL}", gradients.refuse_gradient_fake, lib=definitions
    )
    for operator in OPERATORS:
        if not native:
            tags = (torch.Tag.pt2_compliant_tag,)
            definitions.define(f"{operator.qualified_name}{operator.schema}", tags=tags)
        _complete(operator, definitions)
    apply()


def _complete(operator: Operator, definitions: torch.library.Library) -> None:
    """Register what an operator needs beside kernels."""
    reader, name = reader_of(operator), f"{NAMESPACE}::{operator.qualified_name}"
    torch.library.register_fake(name, _fake(reader), lib=definitions)
    if operator.mutates:
        definitions.impl(
            operator.qualified_name, gradients.watch(operator, reader), "Autograd", with_keyset=True
        )
        definitions.impl(operator.qualified_name, batching.refusal(reader), "FuncTorchBatched")
        return
    backward, setup_context = gradients.formula(reader)
    torch.library.register_autograd(name, backward, setup_context=setup_context, lib=definitions)
    torch.library.register_vmap(name, batching.rule(operator, reader), lib=definitions)


def _fake(reader: Reader) -> Callable[..., Any]:
    """Return a function that checks a call's arguments and returns tensors without contents."""

    def fake(*positional: object, **named: object) -> object:
        request = reader.read(positional, named)
        checked = check(request)
        if reader.operator.mutates:
            return None
        if request.is_backward:
            return request.input.new_empty(request.input.shape)
        return allocate(checked, request.input)

    return fake


def apply() -> None:
    """Put in force what the selection says now; called with the selection's lock held."""
    for platform in (Platform.CPU, torch_build.gpu_platform() or Platform.CUDA):
        _apply(platform)


_keep: list[torch.library.Library] = []
_in_force: dict[Platform, tuple[str, torch.library.Library | None]] = {}
# torch warns once a process of a kernel that stands in front of another, which is wanted here.
_warned: list[bool] = []


def _apply(platform: Platform) -> None:
    label, kernel = "missing", cast("_MakeKernel | None", _missing(platform))
    try:
        choice = select(OPERATORS[0].name, platform)
    except OperatorMissing:
        pass
    else:
        label = choice.provider
        kernel = cast("_MakeKernel", resolve(choice.kernel)) if choice.kernel else None
    previous, library = _in_force.get(platform, (None, None))
    if previous == label:
        return
    # The new kernels stand in front before the old ones go, so that other threads find one always.
    _in_force[platform] = (label, None if kernel is None else _register(platform, kernel))
    if library is not None:
        library._destroy()  # noqa: SLF001 -- torch's own way to take kernels back


def _register(platform: Platform, kernel: _MakeKernel) -> torch.library.Library:
    library = torch.library.Library(NAMESPACE, "IMPL")
    key = PLATFORMS[platform].dispatch_key
    first = f"{NAMESPACE}::{OPERATORS[0].qualified_name}"
    overrides = torch._C._dispatch_has_kernel_for_dispatch_key(first, key)  # noqa: SLF001
    with nullcontext() if _warned or not overrides else warnings.catch_warnings():
        if overrides and not _warned:
            pattern = "(?s).*Overriding a previously registered kernel"
            warnings.filterwarnings("ignore", message=pattern)
            _warned.append(True)
        for operator in OPERATORS:
            library.impl(operator.qualified_name, kernel(operator), key, allow_override=True)
    return library


def _missing(platform: Platform) -> _MakeKernel:
    def kernel(operator: Operator) -> Callable[..., Any]:
        def refuse(*_: object, **__: object) -> None:
            select(operator.name, platform)

        return refuse

    return kernel
