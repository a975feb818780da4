"""Train a small model on text, sample from it, and compare the probabilities of both.

In reinforcement learning the sampler and the trainer are two programs: one computes a token at a
time with quantised weights, the other whole sequences with the weights that it trains. Where their
probabilities differ, the gradient is of another model than the one that sampled.

The model predicts a byte from the eight before it, with an MLP whose products are int8.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from opparity.nn import Int8Linear, SwiGLU, TrainedLinear

CONTEXT, WIDTH, INNER, STEPS = 8, 32, 256, 150
TEXT = (__doc__ * 2).encode()


class FloatMlp(nn.Module):
    """A gated MLP of torch's own linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.gate_up, self.down = nn.Linear(CONTEXT * WIDTH, 2 * INNER), nn.Linear(INNER, 256)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return [.., 256] from [.., CONTEXT * WIDTH]."""
        gate, up = self.gate_up(hidden).chunk(2, -1)
        found: Tensor = self.down(functional.silu(gate) * up)
        return found


def int8_mlp() -> nn.Module:
    """Return the same MLP with products in int8, which learns as the other does."""
    gate_up = TrainedLinear(CONTEXT * WIDTH, 2 * INNER, Int8Linear, bias=True)
    return SwiGLU(gate_up, TrainedLinear(INNER, 256, Int8Linear, bias=True))


class Model(nn.Module):
    """Byte embeddings, a gated MLP, and log probabilities."""

    def __init__(self, mlp: nn.Module) -> None:
        super().__init__()
        self.embedding, self.mlp = nn.Embedding(256, WIDTH), mlp

    def forward(self, contexts: Tensor) -> Tensor:
        """Return log probabilities, [.., 256], of the byte after [.., CONTEXT] bytes."""
        logits = self.mlp(self.embedding(contexts).flatten(-2))
        return functional.log_softmax(logits.double(), -1)


def train(model: nn.Module) -> float:
    """Learn the text; return the last loss, in bits for each byte."""
    data = torch.tensor(list(TEXT))
    contexts = data.unfold(0, CONTEXT, 1)[:-1]
    following = data[CONTEXT:]
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    loss = torch.zeros(())
    for _ in range(STEPS):
        loss = functional.nll_loss(model(contexts), following)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return loss.item() / 0.6931


@torch.no_grad()
def sample(model: nn.Module, count: int) -> tuple[Tensor, Tensor]:
    """Return bytes that are drawn one after another, and the log probability of each."""
    drawn = torch.Generator().manual_seed(0)
    tokens = list(TEXT[:CONTEXT])
    found = []
    for _ in range(count):
        # One token at a time, as a sampler does: a batch of one.
        logs = model(torch.tensor(tokens[-CONTEXT:]))
        token = int(torch.multinomial(logs.exp(), 1, generator=drawn))
        found.append(logs[token])
        tokens.append(token)
    return torch.tensor(tokens), torch.stack(found)


def mismatch(model: nn.Module) -> tuple[int, float]:
    """Return how many of 300 probabilities the trainer computes otherwise, and the largest step."""
    tokens, sampled = sample(model, 300)
    trained = model(tokens.unfold(0, CONTEXT, 1)[:-1])
    again = trained.gather(-1, tokens[CONTEXT:, None]).squeeze(-1).detach()
    difference = (again - sampled).abs()
    return int((difference > 0).sum()), difference.max().item()


for name, mlp in (("int8", int8_mlp), ("float32", FloatMlp)):
    torch.manual_seed(0)
    made = Model(mlp())
    bits = train(made)
    differing, largest = mismatch(made)
    print(f"{name}: {'below' if bits < 1 else 'above'} 1 bit a byte after {STEPS} steps")
    if differing:
        print("  the trainer computes other probabilities than the sampler did")
    else:
        print(f"  the trainer computes the sampler's probabilities, to the last bit ({largest})")
