"""Compile transformers' own MLPs and activation quantiser with the pass; print what it found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from transformers import LlamaConfig, Phi3Config
from transformers.integrations.bitnet import BitLinear
from transformers.models.llama.modeling_llama import LlamaMLP
from transformers.models.phi3.modeling_phi3 import Phi3MLP

from real_packages.spelled import print_results

if TYPE_CHECKING:
    from torch import Tensor

    Pair = tuple[Tensor, Tensor]


class Tokens(nn.Module):
    """Quantises in the place of the last projection, by the inverse of each token's scale."""

    def forward(self, product: Tensor) -> Pair:
        """Return codes and scales."""
        wide = product.float()
        scales = (wide.abs().amax(-1, keepdim=True) / 448.0).clamp(min=1.0 / (448.0 * 512.0))
        codes = (wide * scales.reciprocal()).clamp(-448.0, 448.0)
        return codes.to(torch.float8_e4m3fn), scales


class Divided(nn.Module):
    """Quantises by blocks and divides, as the kernel of FP8Linear does."""

    def forward(self, product: Tensor) -> Pair:
        """Return codes and scales."""
        blocks = product.float().unflatten(-1, (-1, 128))
        scales = blocks.abs().amax(-1, keepdim=True) / 448.0
        codes = (blocks / scales).flatten(-2)
        return codes.to(torch.float8_e4m3fn), scales.squeeze(-1)


class Bits(nn.Module):
    """Quantises by BitLinear's own code."""

    def forward(self, product: Tensor) -> Pair:
        """Return codes and the inverse of the scales."""
        found: Pair = BitLinear.activation_quant(None, product.float())
        return found


def built(kind: type[nn.Module], config: object, last: nn.Module) -> nn.Module:
    """Return an MLP of a real model, scaled down, with a quantiser as its last projection."""
    torch.manual_seed(0)
    made = kind(config).bfloat16()
    made.down_proj = last
    return made


sizes = {"hidden_size": 128, "intermediate_size": 512}
phi, llama = Phi3Config(**sizes), LlamaConfig(**sizes)
torch.manual_seed(0)
input = torch.randn(48, 128).bfloat16()
print_results(
    {
        "Phi3, tokens": built(Phi3MLP, phi, Tokens()),
        "Phi3, blocks divided": built(Phi3MLP, phi, Divided()),
        "Phi3, BitLinear": built(Phi3MLP, phi, Bits()),
        "Llama, tokens": built(LlamaMLP, llama, Tokens()),
        "Llama, blocks divided": built(LlamaMLP, llama, Divided()),
    },
    input,
)
