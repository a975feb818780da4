"""A sampler and a trainer, and how far apart their log probabilities are with and without Opparity.

In reinforcement learning two programs run one model. The sampler draws a token at a time, with
quantised weights. The trainer computes the probabilities of these tokens again, whole sequences at
once, learns from them, and sends its weights to the sampler. Where the two differ, the trainer
learns from a model that did not sample.

This one predicts a byte from the eight before it, by an MLP. It learns a text, then a rule from a
reward. The parts stand where torchtitan and prime-rl have theirs; docs/training.md names them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from opparity.nn import Int8Linear, SwiGLU, TrainedLinear

if TYPE_CHECKING:
    from collections.abc import Callable

CONTEXT, WIDTH, INNER, STEPS, ROUNDS, DRAWN = 8, 32, 256, 15, 4, 150
TEXT = __doc__.encode()
WANTED = ord("e")


class Model(nn.Module):
    """Byte embeddings, a gated MLP, and log probabilities."""

    def __init__(self, mlp: nn.Module) -> None:
        super().__init__()
        self.embedding, self.mlp = nn.Embedding(256, WIDTH), mlp

    def forward(self, contexts: Tensor) -> Tensor:
        """Return log probabilities, [.., 256], of the byte after [.., CONTEXT] bytes."""
        logits = self.mlp(self.embedding(contexts).flatten(-2))
        return functional.log_softmax(logits.double(), -1)


class TorchMlp(nn.Module):
    """A gated MLP of torch's layers, or of layers like them."""

    def __init__(self, linear: type[nn.Linear]) -> None:
        super().__init__()
        self.gate_up, self.down = linear(CONTEXT * WIDTH, 2 * INNER), linear(INNER, 256)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return [.., 256] from [.., CONTEXT * WIDTH]."""
        gate, up = self.gate_up(hidden).chunk(2, -1)
        found: Tensor = self.down(functional.silu(gate) * up)
        return found


class PlainInt8(nn.Linear):
    """A linear layer that quantises weight and input by rows, as code without Opparity does."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the product of the codes, scaled."""
        (codes, scales), (weights, rows) = map(self.quantised, (input, self.weight))
        assert self.bias is not None
        return (codes @ weights.t()) * scales * rows.squeeze(-1) + self.bias

    @staticmethod
    def quantised(tensor: Tensor) -> tuple[Tensor, Tensor]:
        """Return whole numbers up to 127, and what to multiply them by."""
        scales = tensor.abs().amax(-1, keepdim=True).clamp_min(1e-8) / 127
        return (tensor / scales).round(), scales


def torch_model(linear: type[nn.Linear] = nn.Linear) -> Model:
    """Return a model of torch's layers."""
    return Model(TorchMlp(linear))


def opparity_model() -> Model:
    """Return a model that is trained with the numbers that its quantised layers compute."""
    gate_up = TrainedLinear(CONTEXT * WIDTH, 2 * INNER, Int8Linear, bias=True)
    return Model(SwiGLU(gate_up, TrainedLinear(INNER, 256, Int8Linear, bias=True)))


class Trainer:
    """Learns, compares its log probabilities with the sampler's, and gives its weights away."""

    def __init__(self, model: Model) -> None:
        self.model, self.differences = model, list[Tensor]()
        self.optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)

    def learn(self, text: Tensor) -> None:
        """Take a step towards a text."""
        self._step(functional.nll_loss(self.model(text.unfold(0, CONTEXT, 1)[:-1]), text[CONTEXT:]))

    def step(self, tokens: Tensor, sampled: Tensor) -> None:
        """Take a step towards what was rewarded among the sampler's tokens."""
        reward = (tokens[CONTEXT:] == WANTED).double()
        logs = self.model(tokens.unfold(0, CONTEXT, 1)[:-1])
        mine = logs.gather(-1, tokens[CONTEXT:, None]).squeeze(-1)
        self.differences.append(mine.detach() - sampled)
        ratio = (mine - sampled).exp()
        self._step(-(ratio * (reward - reward.mean())).mean())

    def _step(self, loss: Tensor) -> None:
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()

    def weights(self) -> dict[str, Tensor]:
        """Return what the sampler is sent."""
        return self.model.state_dict()


class Sampler:
    """Draws a token at a time, by a model that has the trainer's weights."""

    def __init__(self, model: Model) -> None:
        self.model = self.serving = model
        self.drawn = torch.Generator().manual_seed(0)

    def load(self, weights: dict[str, Tensor]) -> None:
        """Take the trainer's weights, and quantise them once."""
        self.model.load_state_dict(weights)
        layers = [each for each in self.model.modules() if isinstance(each, TrainedLinear)]
        if layers:
            self.serving = Model(SwiGLU(*(layer.quantized() for layer in layers)))
            self.serving.embedding = self.model.embedding

    @torch.no_grad()
    def sample(self, count: int) -> tuple[Tensor, Tensor]:
        """Return bytes that are drawn one after another, and the log probability of each."""
        tokens, found = list(TEXT[:CONTEXT]), []
        for _ in range(count):
            logs = self.serving(torch.tensor(tokens[-CONTEXT:]))
            tokens.append(int(torch.multinomial(logs.exp(), 1, generator=self.drawn)))
            found.append(logs[tokens[-1]])
        return torch.tensor(tokens), torch.stack(found)


def differences(trained: Callable[[], Model], sampled: Callable[[], Model]) -> Tensor:
    """Train and sample in turns; return how far apart all log probabilities were."""
    torch.manual_seed(0)
    trainer, sampler = Trainer(trained()), Sampler(sampled())
    for _ in range(STEPS):
        trainer.learn(torch.tensor(list(TEXT)))
    for _ in range(ROUNDS):
        sampler.load(trainer.weights())
        trainer.step(*sampler.sample(DRAWN))
    return torch.cat(trainer.differences)


WAYS = {
    "int8 by Opparity in both": (opparity_model, opparity_model),
    "int8 in the sampler, float32 in the trainer": (torch_model, lambda: torch_model(PlainInt8)),
    "float32 by torch in both": (torch_model, torch_model),
}
torch.set_num_threads(1)  # the products are so small that a second thread only waits
for name, models in WAYS.items():
    found = differences(*models)
    differing = int((found != 0).sum())
    if not differing:
        print(f"{name}: none of {found.numel()} log probabilities differs")
        continue
    print(f"{name}: {'most' if 2 * differing > found.numel() else 'some'} differ")
    # Of the estimates of a divergence the one that is never negative: prime-rl's mismatch KL.
    divergence = (found.exp() - found - 1).mean()
    print(f"  mean about {found.abs().mean():.1g}, largest about {found.abs().max():.1g}")
    print(f"  KL about {divergence:.1g}")
