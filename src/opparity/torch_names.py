"""Private names of torch: who uses them, and what is said where torch has them no longer.

torch may rename, move or drop any of them in each version. `require` is called before a feature
uses its names, so that one that is gone is told by its name, and not by whatever fails later.
"""

from __future__ import annotations

import importlib
import re
import warnings
from dataclasses import dataclass

from opparity.errors import TorchNameMissing
from opparity.packages import refusal

if refused := refusal("torch"):
    raise refused

# ruff: isort: split
import torch

# The first and the last version in which features were tried: docs/development.md says which.
TRIED = ("2.13", "2.14")


@dataclass(frozen=True, slots=True)
class Feature:
    """What needs private names of torch.

    Attributes:
        name: as a user calls it.
        modules: of the package, where the names are used.
        names: with the module or object that holds each.
        instead: what works without them.
    """

    name: str
    modules: tuple[str, ...]
    names: tuple[str, ...]
    instead: str


_HOOKS = ("torch.nn.Module._forward_hooks", "torch.nn.Module._forward_pre_hooks")

_OVERLOAD = "torch.ops.aten.add.Tensor"
_SCHEMA = f"{_OVERLOAD}._schema"

OPERATORS = Feature(
    "every operator",
    ("operators",),
    (
        "torch._C._AutoDispatchBelowADInplaceOrView",
        "torch._C._AutoDispatchBelowAutograd",
        "torch._C._after_ADInplaceOrView_keyset",
        "torch._C._any_requires_grad",
        "torch._C._are_functorch_transforms_active",
        "torch._C._dispatch_has_kernel_for_dispatch_key",
        "torch._C._increment_version",
        "torch._functorch.utils.enable_single_level_autograd_function",
        "torch.autograd.forward_ad._current_level",
        "torch.autograd.forward_ad._set_fwd_grad_enabled",
        "torch.autograd.function._SingleLevelFunction",
        "torch.library.Library._destroy",
        "torch.utils._pytree.register_pytree_node",
        f"{_OVERLOAD}._handle.redispatch_boxed",
        f"{_OVERLOAD}._op",
    ),
    "ask for a newer opparity",
)
COMPILE_PASS = Feature(
    "the pass for torch.compile",
    ("integrations.compile_pass",),
    (
        "torch._inductor.config.post_grad_custom_post_pass",
        "torch._inductor.custom_graph_pass.CustomGraphPass",
        "torch._inductor.custom_graph_pass.get_hash_for_files",
        "torch._inductor.virtualized.V.fake_mode",
        "torch._ops.OpOverload",
        "torch.ops.higher_order.auto_functionalized",
        "torch.ops.higher_order.auto_functionalized_v2",
    ),
    "call opparity's functions in the model, which torch.compile leaves as they are",
)
SHARDING = Feature(
    "sharding rules for DTensors",
    ("integrations.dtensor",),
    (
        "torch.distributed.tensor.DTensor._op_dispatcher.sharding_propagator.op_to_schema_info",
        _SCHEMA,
    ),
    "call opparity's functions with each device's own tensors",
)
MODULES = Feature(
    "opparity.nn",
    ("nn.linear", "nn.int8"),
    (
        "torch.nn.Module._apply",
        "torch.nn.Module._load_from_state_dict",
        "torch.nn.modules.module._has_any_global_hook",
        *_HOOKS,
    ),
    "call opparity's functions, and multiply what they return",
)
INT8_PRODUCT = Feature(
    "the product of int8 matrices",
    ("nn.products.int8",),
    ("torch._int_mm",),
    "take layers in block FP8",
)
FUSION = Feature(
    "fuse(model)",
    ("integrations.transformers",),
    (
        *_HOOKS,
        "torch.nn.Module._backward_hooks",
        "torch.nn.Module._modules",
        "torch.nn.Module._parameters",
    ),
    "build the model of opparity.nn's modules",
)
VLLM = Feature(
    "the plugin for vLLM",
    ("integrations.vllm",),
    (
        "torch._higher_order_ops.auto_functionalize.auto_functionalized",
        "torch.library.Library._destroy",
        _SCHEMA,
    ),
    "set OPPARITY_VLLM=off, and vLLM runs without it",
)
FEATURES = (OPERATORS, COMPILE_PASS, SHARDING, MODULES, INT8_PRODUCT, FUSION, VLLM)

_warned: list[str] = []


def require(feature: Feature) -> None:
    """Refuse a feature whose names this torch lacks; warn once where torch is newer than tried.

    Raises:
        TorchNameMissing: with the first name that is missing.
    """
    refusal = missing(feature)
    if refusal is not None:
        raise refusal
    if is_newer(torch.__version__) and not _warned:
        _warned.append(torch.__version__)
        warnings.warn(
            f"{feature.name} uses private names of torch and was tried with torch {TRIED[0]} to "
            f"{TRIED[1]}; this is {torch.__version__}, which has them all; compare results before "
            "you rely on it",
            stacklevel=3,
        )


def missing(feature: Feature) -> TorchNameMissing | None:
    """Return the error that names the first of a feature's names that this torch lacks, or None."""
    for name in feature.names:
        if not exists(name):
            return TorchNameMissing(
                feature=feature.name,
                name=name,
                version=torch.__version__,
                tried=f"{TRIED[0]} to {TRIED[1]}",
                instead=feature.instead,
            )
    return None


def is_newer(version: str) -> bool:
    """Return whether a version of torch is newer than the last that was tried."""
    return first_two(version) > first_two(TRIED[1])


def first_two(version: str) -> tuple[int, ...]:
    """Return the first two numbers of a version, which versions of torch are compared by."""
    # `packaging` is no dependency of folders of kernels, which have this module too.
    return tuple(map(int, re.findall(r"\d+", version)[:2]))


def exists(name: str) -> bool:
    """Return whether torch has a name: a module's, an object's, or what objects of a class have."""
    found: object = torch
    reached = "torch"
    for part in name.split(".")[1:]:
        reached = f"{reached}.{part}"
        if not hasattr(found, part) and not _is_module(reached):
            # What is set on each object of a class; no name of the tables goes on behind one.
            return reached == name and part in getattr(found, "__annotations__", {})
        found = getattr(found, part)
    return True


def _is_module(name: str) -> bool:
    """Import a module, whose package then has it; return whether there is one."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        # A module that is there and lacks another one is not gone: its own error says more.
        if not f"{name}.".startswith(f"{error.name}."):
            raise
        return False
    return True
