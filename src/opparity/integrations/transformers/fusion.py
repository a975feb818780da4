"""fuse: replaces the gated MLPs and norms of a model, and says what it left and why."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import nn

from opparity import torch_names
from opparity.integrations.transformers import saving
from opparity.integrations.transformers.dataflow import norm_before
from opparity.integrations.transformers.norms import Norm, norm_of
from opparity.integrations.transformers.recognition import GatedMlp, mlp_of
from opparity.integrations.transformers.set_aside import SetAside
from opparity.integrations.transformers.weights import KINDS, is_quantized, quantized
from opparity.nn import GatedRMSNorm, RMSNorm, SwiGLU, TrainedLinear
from opparity.nn.linear import QuantizedLinear
from opparity.operators.refusal import kind_of, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

_OWN = (GatedRMSNorm, QuantizedLinear, RMSNorm, SwiGLU, TrainedLinear)
_FUSED = "it is Opparity's already; undo() the fusion that put it there to have it fused anew"
# What a product of quantised matrices may be rounded to.
_RESULTS = (torch.bfloat16, torch.float16, torch.float32)


@dataclass(slots=True, weakref_slot=True)
class Fusion:
    """What `fuse` did to a model.

    Attributes:
        replaced: what stands there now, by the module's name.
        left: why a module that could be one was left, by its name.
    """

    replaced: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    _before: list[SetAside] = field(default_factory=list, repr=False)
    _model: nn.Module | None = field(default=None, repr=False)

    def undo(self) -> None:
        """Put the model's own modules back.

        Norms have the model's present weights; MLPs and linear layers those that they had, with
        the dtype, device and mode that the model has by now. They are frozen or trained with the
        parameters beside them, where all of these were changed alike.
        """
        for aside in reversed(self._before):
            aside.put_back(moved=True)
        self._before.clear()
        self.replaced.clear()
        if self._model is not None:
            saving.uninstall(self, self._model)

    @property
    def renamed(self) -> list[nn.Module]:
        """What stands there by now and has names that transformers does not know."""
        fused = (getattr(aside.parent, aside.name) for aside in self._before)
        return [module for module in fused if not isinstance(module, (GatedRMSNorm, RMSNorm))]

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Let the model's own modules stand where they were, within a block."""
        # Only put where the model is by undo(): a GPU may have no room for both.
        fused = [(aside, aside.put_back(moved=False)) for aside in reversed(self._before)]
        try:
            yield
        finally:
            for aside, module in reversed(fused):
                setattr(aside.parent, aside.name, module)

    def put(self, parent: nn.Module, name: str, path: str, module: nn.Module, what: str) -> None:
        """Set a module and remember the one that was there."""
        self._before.append(SetAside.replaced(parent, name, module))
        self.replaced[path] = what

    def __str__(self) -> str:
        lines = [f"{len(self.replaced)} modules replaced, {len(self.left)} left"]
        lines += [f"  {path}: {what}" for path, what in self.replaced.items()]
        lines += [f"  {path} is left: {reason}" for path, reason in self.left.items()]
        return "\n".join(lines)


def fuse(model: nn.Module, recipe: str | None = None) -> Fusion:
    """Replace a model's gated MLPs, RMSNorms and quantised linear layers by Opparity's modules.

    MLPs that are quantised (FineGrainedFP8 with blocks of 128 x 128, compressed-tensors in FP8 by
    blocks or int8 by rows) keep their codes. A norm that only such an MLP reads is fused with the
    MLP's first quantisation.

    Args:
        model: of transformers, loaded; changed in place.
        recipe: how to quantise MLPs that are not: "fp8_block" or "int8_token"; by default they
            are left as they are.

    Returns:
        a Fusion: what was replaced, what was left and why; its `undo()` puts everything back. The
        model's `save_pretrained` saves it as it was before.

    Raises:
        ArgumentRefused: for another recipe, or for what is no module.
    """
    torch_names.require(torch_names.FUSION)
    if not isinstance(model, nn.Module):
        refuse("fuse", f"model is {kind_of(model)}; allowed: a module; of a pipeline pass .model")
    if recipe is not None and recipe not in KINDS:
        refuse("fuse", f"recipe is {recipe!r}; allowed: None, {', '.join(KINDS)}; choose one")
    fusion = Fusion(_model=model)
    modules = _foreign_modules(model, fusion)
    dtype = _dtype_of(model)
    mlps = _fuse_mlps(fusion, modules, recipe, dtype)
    for path, module in modules.items():
        parent, name = _place(modules, path)
        norm = norm_of(module)
        if not path and norm is not None:
            fusion.left["(the model itself)"] = "it has no module around it to be replaced in"
        elif isinstance(norm, Norm) and module.weight.dtype != dtype:
            fusion.left[path] = f"its weight is {module.weight.dtype}, and the model {dtype}"
        elif isinstance(norm, Norm):
            fusion.put(parent, name, path, *_norm(module, norm, _reader(parent, mlps, name)))
        elif norm is not None:
            fusion.left[path] = norm
        elif is_quantized(module) and not _lies_in(path, fusion):
            made = quantized(module, None, dtype)
            if isinstance(made, str):
                fusion.left[path] = made
            else:
                fusion.put(parent, name, path, made, f"a linear layer in {made.recipe}")
    saving.install(fusion, model)
    return fusion


def _foreign_modules(model: nn.Module, fusion: Fusion) -> dict[str, nn.Module]:
    """Return what is not Opparity's yet, by its path, and note what is."""
    foreign: dict[str, nn.Module] = {}
    own: dict[str, str] = {}
    # A module under two names is replaced under both.
    for path, module in model.named_modules(remove_duplicate=False):
        if any(path.startswith(f"{owner}.") for owner in own):
            continue
        if isinstance(module, _OWN):
            own[path or "(the model itself)"] = _FUSED
        else:
            foreign[path] = module
    fusion.left |= own
    return foreign


def _fuse_mlps(
    fusion: Fusion, modules: dict[str, nn.Module], recipe: str | None, dtype: torch.dtype
) -> dict[tuple[int, str], SwiGLU]:
    """Replace the MLPs; return the new ones by their layers' identity and their names."""
    mlps = {}
    for path, module in modules.items():
        found = mlp_of(module)
        if not path and found is not None:
            fusion.left["(the model itself)"] = "it has no module around it to be replaced in"
        elif isinstance(found, GatedMlp):
            made = _mlp(module, found, recipe, dtype)
            if isinstance(made, SwiGLU):
                parent, name = _place(modules, path)
                mlps[id(parent), name] = made
                what = f"{made.producer} and {made.down.recipe} in one operator"
                fusion.put(parent, name, path, made, what)
            else:
                fusion.left[path] = made
        elif found is not None:
            fusion.left[path] = found
        elif _has_experts(module):
            fusion.left[path] = "experts; register_experts() serves those of FineGrainedFP8"
    return mlps


def _lies_in(path: str, fusion: Fusion) -> bool:
    """Return whether a module is part of one that was replaced."""
    return any(path.startswith(f"{owner}.") for owner in fusion.replaced)


def _dtype_of(model: nn.Module) -> torch.dtype:
    """Return the dtype of most of a model's numbers that are not quantised."""
    counts = dict.fromkeys(_RESULTS, 0)
    for parameter in model.parameters():
        if parameter.dtype in counts:
            counts[parameter.dtype] += parameter.numel()
    return max(counts, key=counts.__getitem__)


def _has_experts(module: nn.Module) -> bool:
    """Return whether a module holds the matrices of several experts."""
    down = getattr(module, "down_proj", None)
    return isinstance(down, torch.Tensor) and down.dim() == 3  # noqa: PLR2004


def _place(modules: dict[str, nn.Module], path: str) -> tuple[nn.Module, str]:
    parent, _, name = path.rpartition(".")
    return modules[parent], name


def _mlp(
    module: nn.Module, found: GatedMlp, recipe: str | None, dtype: torch.dtype
) -> SwiGLU | str:
    """Return an MLP of Opparity's with a module's weights, or why there is none."""
    linears: list[QuantizedLinear] = []
    for name in found.projections:
        linear = quantized(getattr(module, name), recipe, dtype)
        if isinstance(linear, str):
            return linear
        linears.append(linear)
    *before, down = linears
    kinds = {type(linear) for linear in linears}
    if len(kinds) > 1:
        return "its matrices are quantised in several ways"
    stackable = before[0].objection_to_stacking()
    if len(before) > 1 and stackable is not None:
        return stackable
    return SwiGLU(kinds.pop().stack(before), down, producer=found.producer)


def _reader(layer: nn.Module, mlps: dict[tuple[int, str], SwiGLU], norm: str) -> SwiGLU | None:
    """Return the MLP that alone reads a norm of its layer."""
    for (owner, name), mlp in mlps.items():
        if owner == id(layer) and norm_before(layer, name) == norm:
            return mlp
    return None


def _norm(
    module: nn.Module, norm: Norm, reader: SwiGLU | None
) -> tuple[RMSNorm | GatedRMSNorm, str]:
    weight = module.weight
    assert isinstance(weight, nn.Parameter)
    if norm.gated:
        gated = GatedRMSNorm(
            weight, norm.epsilon, offset=norm.offset, intermediate=norm.intermediate
        )
        return gated, "gated_rms_norm in one operator"
    recipe = None if reader is None else reader.gate_up.activations
    made = RMSNorm(
        weight,
        norm.epsilon,
        offset=norm.offset,
        recipe=recipe,
        intermediate=norm.intermediate,
    )
    if reader is None:
        return made, "rms_norm in one operator"
    return made, f"rms_norm and {reader.gate_up.recipe} in one operator"
