"""Modules of the shapes that models of transformers have, written for these tests."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from opparity.nn import BlockFP8Linear

HIDDEN, INNER = 256, 384


class LlamaMLP(nn.Module):
    def __init__(self, activation: nn.Module | None = None) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(HIDDEN, INNER, bias=False)
        self.up_proj = nn.Linear(HIDDEN, INNER, bias=False)
        self.down_proj = nn.Linear(INNER, HIDDEN, bias=False)
        self.act_fn = activation or nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        return cast("Tensor", self.down_proj(self.act_fn(self.gate_proj(x)) * self.up_proj(x)))


class Phi3MLP(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate_up_proj = nn.Linear(HIDDEN, 2 * INNER, bias=False)
        self.down_proj = nn.Linear(INNER, HIDDEN, bias=False)
        self.activation_fn = nn.SiLU()

    def forward(self, hidden_states: Tensor) -> Tensor:
        gate, up = self.gate_up_proj(hidden_states).chunk(2, dim=-1)
        return cast("Tensor", self.down_proj(up * self.activation_fn(gate)))


class ClippedMLP(LlamaMLP):
    def forward(self, x: Tensor) -> Tensor:
        gate = self.gate_proj(x).clamp(max=0.1)
        return cast("Tensor", self.down_proj(self.act_fn(gate) * self.up_proj(x)))


class LimitedMLP(LlamaMLP):
    """Limits what random numbers of a model rarely reach."""

    def forward(self, x: Tensor) -> Tensor:
        gate, up = self.gate_proj(x).clamp(max=10.0), self.up_proj(x).clamp(-10.0, 10.0)
        return cast("Tensor", self.down_proj(self.act_fn(gate) * up))


class LimitedResultMLP(LlamaMLP):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).clamp(-50.0, 50.0)


class CleanedMLP(LlamaMLP):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.nan_to_num())


class DroppingMLP(LlamaMLP):
    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        return cast("Tensor", self.dropout(super().forward(x)))


class ScaledMLP(LlamaMLP):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(HIDDEN))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * self.scale


class FailingMLP(LlamaMLP):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.view(-1, HIDDEN))


class FineGrainedLinear(nn.Linear):
    """As transformers' FP8Linear holds its weight."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__(linear.in_features, linear.out_features, bias=False)
        made = BlockFP8Linear.from_weight(linear.weight.detach())
        self.weight = nn.Parameter(made.weight, requires_grad=False)
        self.weight_scale_inv = nn.Parameter(made.weight_scales, requires_grad=False)
        self.activation_scheme: str = "dynamic"
        self.block_size = (128, 128)


class LlamaRMSNorm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(HIDDEN) + 0.5)
        self.variance_epsilon = 1e-5

    def forward(self, hidden_states: Tensor) -> Tensor:
        wide = hidden_states.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.variance_epsilon)
        return self.weight * wide.to(hidden_states.dtype)


class GemmaRMSNorm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(HIDDEN) - 0.5)
        self.eps = 1e-6

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        return (wide * (1.0 + self.weight.float())).type_as(x)


class OutsideEpsilonRMSNorm(LlamaRMSNorm):
    """Adds epsilon behind the root."""

    def forward(self, hidden_states: Tensor) -> Tensor:
        wide = hidden_states.float()
        root = wide.pow(2).mean(-1, keepdim=True).sqrt()
        return self.weight * (wide / (root + self.variance_epsilon)).to(hidden_states.dtype)


class LimitedRMSNorm(LlamaRMSNorm):
    def forward(self, hidden_states: Tensor) -> Tensor:
        return super().forward(hidden_states).clamp(-10.0, 10.0)


class HalvedRMSNorm(LlamaRMSNorm):
    def forward(self, hidden_states: Tensor) -> Tensor:
        return super().forward(hidden_states) / 2


class Qwen3NextRMSNormGated(LlamaRMSNorm):
    """Rounds the norm and its product with the weight, and not SiLU of the gate."""

    def gate_part(self, gate: Tensor) -> Tensor:
        return nn.functional.silu(gate.float())

    def forward(self, hidden_states: Tensor, gate: Tensor) -> Tensor:  # type: ignore[override]
        normed = super().forward(hidden_states)
        return (normed * self.gate_part(gate)).to(hidden_states.dtype)


class KimiRMSNormGated(Qwen3NextRMSNormGated):
    def gate_part(self, gate: Tensor) -> Tensor:
        return torch.sigmoid(gate.float())


class LimitedRMSNormGated(Qwen3NextRMSNormGated):
    def gate_part(self, gate: Tensor) -> Tensor:
        return super().gate_part(gate.clamp(max=500.0))


class MambaRMSNormGated(LlamaRMSNorm):
    """Has the gate before the norm."""

    def forward(self, hidden_states: Tensor, gate: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(hidden_states * nn.functional.silu(gate.float()))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.v_proj = nn.Linear(HIDDEN, HIDDEN, bias=False)

    def forward(self, hidden_states: Tensor) -> tuple[Tensor, None]:
        return self.v_proj(hidden_states), None


class Layer(nn.Module):
    """A decoder layer whose MLP alone reads its second norm."""

    def __init__(self, mlp: nn.Module | None = None, norm: type[nn.Module] = LlamaRMSNorm) -> None:
        super().__init__()
        self.input_layernorm = norm()
        self.self_attn = Attention()
        self.post_attention_layernorm = norm()
        self.mlp = mlp or LlamaMLP()

    def forward(self, hidden_states: Tensor) -> Tensor:
        residual = hidden_states
        hidden_states = self.input_layernorm(hidden_states)
        hidden_states, _ = self.self_attn(hidden_states=hidden_states)
        hidden_states = residual + hidden_states
        residual = hidden_states
        hidden_states = self.post_attention_layernorm(hidden_states)
        hidden_states = self.mlp(hidden_states)
        return residual + hidden_states


class SharingLayer(Layer):
    """A layer in which something else reads what its MLP reads."""

    def forward(self, hidden_states: Tensor) -> Tensor:
        residual = hidden_states
        normed = self.post_attention_layernorm(hidden_states)
        return cast("Tensor", residual + self.mlp(normed) + functional.relu(normed))


class TwiceLayer(Layer):
    """A layer that calls its MLP in two places."""

    def forward(self, hidden_states: Tensor) -> Tensor:
        residual = hidden_states
        hidden_states = self.post_attention_layernorm(hidden_states)
        hidden_states = self.mlp(hidden_states)
        return cast("Tensor", self.mlp(residual) + hidden_states)


class FusedExperts(nn.Module):
    """Experts as matrices of three dimensions, as transformers holds them."""

    def __init__(self) -> None:
        super().__init__()
        self.down_proj = nn.Parameter(torch.randn(4, HIDDEN, INNER))

    def forward(self, hidden_states: Tensor) -> Tensor:
        return hidden_states


def model(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers).bfloat16().eval()


def fine_grained(mlp: nn.Module) -> nn.Module:
    for name, child in list(mlp.named_children()):
        if isinstance(child, nn.Linear):
            setattr(mlp, name, FineGrainedLinear(child))
    return mlp
