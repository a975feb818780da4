"""From the operator table to torch.library: schemas, kernels and fakes, once a process.

The native library defines the schemas and registers its kernels. Everything else is done here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from opparity import torch_names

if refusal := torch_names.missing(torch_names.OPERATORS):
    # Some of the modules below would fail with words of Python's.
    raise refusal

# ruff: isort: split
from opparity.errors import NamespaceTaken
from opparity.operators import (
    OPERATORS,
    attachments,
    batching,
    gradients,
    namespace,
    native_library,
    switching,
)
from opparity.operators.allocation import allocate
from opparity.operators.checks import check
from opparity.operators.declaration import Role
from opparity.operators.namespace import FIRST_OF_PYTHON, NAMESPACE
from opparity.operators.request import reader_of
from opparity.operators.selection import LOCK, policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from opparity.operators.declaration import Operator
    from opparity.operators.request import Reader, Request


def load() -> None:
    """Make torch.ops.opparity complete: call it before using the operators by their torch name."""
    with LOCK:
        if not _keep:
            _load()


def _load() -> None:
    # A mistake in the environment is told before anything is registered.
    policy()
    owner = namespace.owner(native_library.path())
    if owner is not None:
        raise NamespaceTaken(namespace=NAMESPACE, owner=owner)
    native = native_library.load() is None
    definitions = torch.library.Library(NAMESPACE, "FRAGMENT")
    _keep.append(definitions)
    definitions.define(f"{FIRST_OF_PYTHON}(Tensor gradient, Tensor input, str operator) -> Tensor")
    definitions.define("without_gradient(Tensor input, Tensor found, str operator) -> Tensor")
    definitions.define(
        "straight_through(Tensor input, Tensor found, str operator, float[] numbers, "
        "bool interleaved) -> Tensor"
    )
    definitions.define(
        "straight_through_norm(Tensor input, Tensor found, Tensor? gate, Tensor? weight, "
        "str operator, float[] numbers) -> Tensor"
    )
    attachments.implement(definitions)
    for operator in OPERATORS:
        if not native:
            tags = (torch.Tag.pt2_compliant_tag,)
            definitions.define(f"{operator.qualified_name}{operator.schema}", tags=tags)
        _complete(operator, definitions)
    switching.apply()


def _complete(operator: Operator, definitions: torch.library.Library) -> None:
    """Register what an operator needs beside kernels."""
    reader, name = reader_of(operator), f"{NAMESPACE}::{operator.qualified_name}"
    torch.library.register_fake(name, _fake(reader), lib=definitions)
    if operator.mutates or not operator.is_general:
        watch = gradients.watch(operator, reader)
        definitions.impl(operator.qualified_name, watch, "Autograd", with_keyset=True)
        definitions.impl(operator.qualified_name, batching.refusal(reader), "FuncTorchBatched")
        return
    definitions.impl(
        operator.qualified_name,
        gradients.differentiable(operator, reader),
        "Autograd",
        with_keyset=True,
    )
    torch.library.register_vmap(name, batching.rule(operator, reader), lib=definitions)


def _fake(reader: Reader) -> Callable[..., Any]:
    """Return a function that checks a call's arguments and returns tensors without contents."""

    def fake(*positional: object, **named: object) -> object:
        request = reader.read(positional, named)
        checked = check(request)
        if reader.operator.mutates:
            return None
        if request.is_backward:
            return _new_gradients(request)
        sizes = (checked.num_tokens, checked.hidden_size)
        found = allocate(
            checked.recipe, *sizes, request.input, checked.experts, unquantised=request.dtype
        )
        if reader.operator.has_columns:
            turned = (checked.hidden_size, checked.num_tokens)
            by_column = allocate(checked.recipe, *turned, request.input)
            return (*found, *by_column)
        if reader.operator.returns_sum:
            return (*found, request.input.new_empty(sizes))
        return found

    return fake


def _new_gradients(request: Request) -> Tensor | tuple[Tensor, ...]:
    """Return what a backward operator returns, without contents."""
    input = request.input
    if not request.producer.reduces:
        return input.new_empty(input.shape)
    weight = request.tensor(Role.WEIGHT)
    rows = [input.new_empty(input.shape) for _ in range(1 + request.producer.takes_gate)]
    return *rows, input.new_empty(0 if weight is None else input.shape[1])


_keep: list[torch.library.Library] = []
