"""Opparity's operators in torch.ops._C: defined where vLLM has none, or its kernels replaced."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import torch

import opparity
from opparity.errors import PluginRefused
from opparity.operators import OPERATORS
from opparity.operators.gradients import overload_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opparity.operators.declaration import Operator

NAMESPACE = "_C"
# ROCm's tensors have the key CUDA too.
_KEYS = ("CPU", "CUDA")
CALLS: Counter[str] = Counter()


def of_vllm() -> dict[str, Operator]:
    """Return Opparity's operators with a schema of vLLM's, by name."""
    return {row.name: row for row in OPERATORS if row.peer.startswith("vLLM")}


def present(names: Iterable[str]) -> dict[str, bool]:
    """Return those of some names that torch.ops._C has, and whether they take any arguments."""
    namespace = getattr(torch.ops, NAMESPACE)
    return {
        name: bool(_types(getattr(namespace, name).default))
        for name in names
        if hasattr(namespace, name)
    }


def define(names: Iterable[str]) -> torch.library.Library:
    """Define operators with vLLM's schemas in torch.ops._C; return what keeps them alive."""
    opparity.load()
    library = torch.library.Library(NAMESPACE, "FRAGMENT")
    for name in names:
        operator = of_vllm()[name]
        ours = overload_of(operator)
        library.define(f"{name}{operator.schema}", tags=(torch.Tag.pt2_compliant_tag,))
        torch.library.register_fake(f"{NAMESPACE}::{name}", _fake, lib=library)
        for key in _KEYS:
            library.impl(name, _counted(name, ours), key)
    return library


def replace(names: Iterable[str]) -> torch.library.Library:
    """Put Opparity's kernels in the place of vLLM's; return what keeps them there.

    Raises:
        PluginRefused: one of vLLM's schemas is not the one that Opparity's operator has.
    """
    opparity.load()
    library = torch.library.Library(NAMESPACE, "IMPL")
    for name in names:
        ours = overload_of(of_vllm()[name])
        theirs = getattr(getattr(torch.ops, NAMESPACE), name).default
        if _types(theirs) != _types(ours):
            raise PluginRefused(
                detail=f"vLLM's {name} is {theirs._schema}, and Opparity's is {ours._schema}",  # noqa: SLF001 -- torch has no public way to a schema
                remedy=f"leave replace:{name} out of OPPARITY_VLLM",
            )
        for key in _KEYS:
            library.impl(name, _counted(name, ours), key)
    return library


def _fake(*_: object) -> None:
    """Check nothing: vLLM traces its patterns with scales of any shape."""


def _types(overload: Any) -> list[tuple[str, bool]]:  # noqa: ANN401 -- torch's own kind
    """Return each argument's type and whether it is written; names differ between builds."""
    return [
        (str(argument.type), bool(argument.alias_info and argument.alias_info.is_write))
        for argument in overload._schema.arguments  # noqa: SLF001 -- the only way to them
    ]


def _counted(name: str, ours: Callable[..., None]) -> Callable[..., None]:
    def kernel(*arguments: Any) -> None:  # noqa: ANN401 -- whatever the schema says
        CALLS[name] += 1
        ours(*arguments)

    return kernel
