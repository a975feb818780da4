"""A byte-level causal transformer of the Llama architecture.

The names and the arithmetic are those of `LlamaForCausalLM` (RMSNorm, rotary attention in halves,
SwiGLU, tied embeddings), so that the shipped folder is a checkpoint that other runtimes know.
What computes is made by a `Parts`: plain PyTorch's modules to be trained are here, those that are
read from a checkpoint in a format are in `served_parts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from opparity.operators.quantized import Quantized

# The token before the first byte. Python refuses source with a NUL byte, so no text contains it.
START = 0
VOCABULARY_SIZE = 256


@dataclass(frozen=True, slots=True)
class Configuration:
    """The sizes of a model.

    Attributes:
        hidden_size: width of the residual stream.
        intermediate_size: width of an MLP between its projections.
        num_layers: how many blocks of attention and MLP.
        num_heads: attention heads in each block.
        context: most tokens that the model is given at once.
        rms_norm_eps: what RMSNorm adds to the mean square.
        rope_theta: base of the rotary frequencies.
    """

    hidden_size: int = 256
    intermediate_size: int = 768
    num_layers: int = 6
    num_heads: int = 4
    context: int = 512
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0

    @property
    def head_size(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_heads


def rotary_angles(configuration: Configuration) -> Tensor:
    """Return the rotation angle of each position and frequency, [context, head_size] float64.

    In float64, so that the float32 sines and cosines are the same whichever library makes them.
    """
    exponents = torch.arange(0, configuration.head_size, 2, dtype=torch.float64)
    frequencies = configuration.rope_theta ** -(exponents / configuration.head_size)
    positions = torch.arange(configuration.context, dtype=torch.float64)
    angles = torch.outer(positions, frequencies)
    return torch.cat((angles, angles), dim=-1)


def rotate(heads: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn the two halves of each head against one another; shapes [..., tokens, head_size]."""
    first, second = heads.chunk(2, dim=-1)
    return heads * cosine + torch.cat((-second, first), dim=-1) * sine


class Parts(Protocol):
    """Makes what a model computes with; names are those of a checkpoint."""

    def embedding(self, name: str) -> nn.Embedding:
        """Return the vectors of the bytes."""

    def norm(self, name: str, *, last: bool = False) -> nn.Module:
        """Return an RMSNorm: the last, or one that linear layers read."""

    def projection(self, name: str) -> nn.Module:
        """Return a linear layer from the residual stream's width to the same."""

    def mlp(self, name: str) -> nn.Module:
        """Return a gated MLP."""

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Return causal attention, each [batch, heads, tokens, head_size]."""

    def logits(self, hidden: Tensor, weight: Tensor) -> Tensor:
        """Return hidden [..., width] times the transpose of the embedding's weight."""


class Trainable:
    """PyTorch's own modules, with weights to be trained."""

    def __init__(self, configuration: Configuration) -> None:
        self.sizes = configuration

    def embedding(self, name: str) -> nn.Embedding:
        """Return random vectors."""
        del name
        return nn.Embedding(VOCABULARY_SIZE, self.sizes.hidden_size)

    def norm(self, name: str, *, last: bool = False) -> nn.Module:
        """Return a norm with weights of one."""
        del name, last
        return nn.RMSNorm(self.sizes.hidden_size, eps=self.sizes.rms_norm_eps)

    def projection(self, name: str) -> nn.Module:
        """Return a random square matrix."""
        del name
        return nn.Linear(self.sizes.hidden_size, self.sizes.hidden_size, bias=False)

    def mlp(self, name: str) -> nn.Module:
        """Return an MLP of two random matrices."""
        del name
        width, inner = self.sizes.hidden_size, self.sizes.intermediate_size
        return Mlp(nn.Linear(width, 2 * inner, bias=False), nn.Linear(inner, width, bias=False))

    attend = staticmethod(partial(functional.scaled_dot_product_attention, is_causal=True))
    logits = staticmethod(functional.linear)


class Attention(nn.Module):
    """Causal self-attention with rotary positions."""

    def __init__(self, configuration: Configuration, parts: Parts, name: str) -> None:
        super().__init__()
        self.num_heads = configuration.num_heads
        self.q_proj = parts.projection(f"{name}.q_proj")
        self.k_proj = parts.projection(f"{name}.k_proj")
        self.v_proj = parts.projection(f"{name}.v_proj")
        self.o_proj = parts.projection(f"{name}.o_proj")
        self.attend = parts.attend

    def forward(self, hidden: Tensor | Quantized, cosine: Tensor, sine: Tensor) -> Tensor:
        """Mix each token with the earlier ones; [batch, tokens, hidden_size] in and out."""
        query, key, value = (
            projection(hidden).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        query = rotate(query, cosine, sine).to(value.dtype)
        key = rotate(key, cosine, sine).to(value.dtype)
        mixed = self.attend(query, key, value)
        return cast("Tensor", self.o_proj(mixed.transpose(1, 2).flatten(-2)))


class Mlp(nn.Module):
    """A SwiGLU MLP, gate and up projections in one matrix, as runtimes hold them."""

    def __init__(self, gate_up: nn.Module, down: nn.Module) -> None:
        super().__init__()
        self.gate_up_proj, self.down_proj = gate_up, down

    def forward(self, hidden: Tensor) -> Tensor:
        """Transform each token by itself; [..., hidden_size] in and out."""
        gate, up = self.gate_up_proj(hidden).chunk(2, dim=-1)
        return cast("Tensor", self.down_proj(functional.silu(gate) * up))


class Block(nn.Module):
    """One layer: attention, then an MLP, each added to the residual stream."""

    def __init__(
        self, configuration: Configuration, parts: Parts, name: str, dropout: float
    ) -> None:
        super().__init__()
        self.input_layernorm = parts.norm(f"{name}.input_layernorm")
        self.self_attn = Attention(configuration, parts, f"{name}.self_attn")
        self.post_attention_layernorm = parts.norm(f"{name}.post_attention_layernorm")
        self.mlp = parts.mlp(f"{name}.mlp")
        self.dropout = dropout

    def forward(self, hidden: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """Apply the layer; [batch, tokens, hidden_size] in and out."""
        attended = self.self_attn(self.input_layernorm(hidden), cosine, sine)
        hidden = hidden + functional.dropout(attended, self.dropout, self.training)
        transformed = self.mlp(self.post_attention_layernorm(hidden))
        return hidden + functional.dropout(transformed, self.dropout, self.training)


class Decoder(nn.Module):
    """The embedding, the layers and the last norm."""

    cosine: Tensor
    sine: Tensor

    def __init__(self, configuration: Configuration, parts: Parts, dropout: float) -> None:
        super().__init__()
        self.embed_tokens = parts.embedding("model.embed_tokens")
        self.layers = nn.ModuleList(
            Block(configuration, parts, f"model.layers.{number}", dropout)
            for number in range(configuration.num_layers)
        )
        self.norm = parts.norm("model.norm", last=True)
        angles = rotary_angles(configuration)
        self.register_buffer("cosine", angles.cos().float(), persistent=False)
        self.register_buffer("sine", angles.sin().float(), persistent=False)
        self.dropout = dropout

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the last hidden states, [batch, tokens, hidden_size]."""
        cosine, sine = self.cosine[: tokens.shape[1]], self.sine[: tokens.shape[1]]
        hidden = functional.dropout(self.embed_tokens(tokens), self.dropout, self.training)
        for layer in self.layers:
            hidden = layer(hidden, cosine, sine)
        return cast("Tensor", self.norm(hidden))


class LanguageModel(nn.Module):
    """Gives the logits of the next byte after each token.

    The output projection is the embedding's own matrix.
    Dropout acts in training mode alone.
    """

    def __init__(
        self, configuration: Configuration, parts: Parts | None = None, *, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.configuration = configuration
        self.parts = parts or Trainable(configuration)
        self.model = Decoder(configuration, self.parts, dropout)
        if parts is None:
            self._initialise()

    def _initialise(self) -> None:
        """Draw the weights; projections into the residual stream start smaller with depth."""
        spread = 0.02
        deep = spread / (2 * self.configuration.num_layers) ** 0.5
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                into_stream = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(parameter, std=deep if into_stream else spread)

    @property
    def blocks(self) -> list[Block]:
        """The layers, first to last."""
        return [cast("Block", layer) for layer in self.model.layers]

    def num_parameters(self) -> int:
        """Return how many weights there are, whether they can be trained or not."""
        return sum(tensor.numel() for tensor in self.state_dict().values())

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits, [batch, tokens, 256], for tokens [batch, tokens] of bytes.

        Raises:
            ValueError: there are more tokens than the model's context.
        """
        if tokens.shape[1] > self.configuration.context:
            raise ValueError(
                f"{tokens.shape[1]} tokens were given; the model reads at most "
                f"{self.configuration.context} at once: split the text into windows"
            )
        return self.parts.logits(self.model(tokens), self.model.embed_tokens.weight)


def inputs_for(windows: Tensor) -> Tensor:
    """Return what the model reads to predict every byte of its windows.

    Args:
        windows: bytes, [batch, tokens], any integer dtype.

    Returns:
        int64 [batch, tokens]: START, then every byte but the last.
    """
    tokens = windows.long()
    start = torch.full_like(tokens[:, :1], START)
    return torch.cat((start, tokens[:, :-1]), dim=1)


def bits_of(logits: Tensor, windows: Tensor) -> Tensor:
    """Return the bits that each byte costs, float64 [batch, tokens], under the logits before it."""
    nats = functional.cross_entropy(
        logits.double().flatten(0, 1), windows.long().flatten(), reduction="none"
    )
    return (nats / torch.log(torch.tensor(2.0, dtype=torch.float64))).view(windows.shape)
