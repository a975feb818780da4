"""Modules that were set aside: they come back as the model around them was changed meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import torch

from opparity.nn import GatedRMSNorm, RMSNorm, SwiGLU
from opparity.nn.linear import QuantizedLinear

if TYPE_CHECKING:
    from torch import nn

_FLOATS = (torch.bfloat16, torch.float16, torch.float32)


@dataclass(frozen=True, slots=True)
class SetAside:
    """A module of a model in whose place another one stands.

    Attributes:
        parent: where it stood.
        name: the parent's for it.
        module: the model's own.
        around: whether each other parameter of the parent was trained then, by its name.
    """

    parent: nn.Module
    name: str
    module: nn.Module
    around: dict[str, bool]

    @classmethod
    def replaced(cls, parent: nn.Module, name: str, made: nn.Module) -> Self:
        """Put a module in the place of another one."""
        module = getattr(parent, name)
        around = {
            path: parameter.requires_grad
            for path, parameter in parent.named_parameters()
            if not path.startswith(f"{name}.")
        }
        made.train(module.training)
        first, layer = next(module.parameters(), None), _layer(made)
        if layer is not None and first is not None:
            layer.witness = torch.empty_like(first[:0], requires_grad=False)
        setattr(parent, name, made)
        return cls(parent, name, module, around)

    def put_back(self, *, moved: bool) -> nn.Module:
        """Put the module back, and return what stood in its place.

        Args:
            moved: whether it has to be on the model's present device.
        """
        fused: nn.Module = getattr(self.parent, self.name)
        module, layer = self.module, _layer(fused)
        if isinstance(fused, (GatedRMSNorm, RMSNorm)) and module.weight is not fused.weight:
            module.weight = fused.weight
        if module.training != fused.training:
            module.train(fused.training)
        if layer is not None and layer.witness is not None:
            self._follow(layer.witness, moved=moved)
        setattr(self.parent, self.name, module)
        return fused

    def _follow(self, witness: torch.Tensor, *, moved: bool) -> None:
        """Cast, move and freeze the module as the model was."""
        first, *others = self.module.parameters()
        # Codes that are cast stand for nothing without their scales.
        if first.dtype != witness.dtype and all(p.dtype in _FLOATS for p in (first, *others)):
            self.module.to(witness.dtype)
        if moved and first.device != witness.device:
            self.module.to(witness.device)
        trained = self._trained()
        if trained is not None and all(p.dtype in _FLOATS for p in self.module.parameters()):
            self.module.requires_grad_(trained)

    def _trained(self) -> bool | None:
        """Return whether the module is trained by now, if what is around it says so.

        It is frozen where all were that had been trained, and trained where all are that had been
        frozen.
        """
        now = {path: p.requires_grad for path, p in self.parent.named_parameters()}
        both = [(was, now[path]) for path, was in self.around.items() if path in now]
        for before in (True, False):
            changed = [before != is_trained for was, is_trained in both if was is before]
            if changed and all(changed):
                return not before
        return None


def _layer(made: nn.Module) -> QuantizedLinear | None:
    """Return a quantised layer of what stands in a module's place."""
    layer = made.down if isinstance(made, SwiGLU) else made
    return layer if isinstance(layer, QuantizedLinear) else None
