"""Training the evaluation's language model within a budget of minutes or steps.

The data lies on the device as one tensor of bytes; a batch is a gather at random offsets. The
weights that did best on the validation files are kept, since a few minutes of a large GPU are
dozens of passes over the ten megabytes of the standard library.
"""

from __future__ import annotations

import math
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from opparity.evaluation.language_model import LanguageModel, bits_of, inputs_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from torch import Tensor

    from opparity.evaluation.language_model import Configuration


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train.

    Attributes:
        minutes: the time budget; None where the steps bound it.
        steps: the step budget; None where the time bounds it.
        batch_windows: windows in a step.
        learning_rate: its peak, reached after the warm-up, and falling to zero as a cosine.
        warm_up: the part of the budget in which the rate rises.
        weight_decay: AdamW's, for matrices.
        dropout: after the embedding and after each attention and MLP.
        gradient_norm: gradients are clipped to it.
        validations: how often within the budget the validation files are tried.
        seed: of the weights, the offsets and the dropout.
    """

    minutes: float | None
    steps: int | None
    batch_windows: int
    learning_rate: float = 2e-3
    warm_up: float = 0.02
    weight_decay: float = 0.1
    dropout: float = 0.15
    gradient_norm: float = 1.0
    validations: int = 12
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model and how far it came.

    Attributes:
        model: in evaluation mode, with the weights that did best on the validation files.
        steps: how many were made.
        seconds: how long they took, validation included.
        tokens: how many bytes were trained on, repeats counted.
        validation: the best bits per byte on the validation files.
    """

    model: LanguageModel
    steps: int
    seconds: float
    tokens: int
    validation: float


class Budget:
    """Tells how much of a plan's minutes or steps is used up, from 0 to 1."""

    def __init__(self, plan: Plan) -> None:
        if (plan.minutes is None) == (plan.steps is None):
            raise ValueError("give minutes or steps, and not both: one of them is the budget")
        self.plan = plan
        self.started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started

    def used(self, step: int) -> float:
        """Return the used part of the budget once that many steps are made."""
        if self.plan.steps is not None:
            return min(1.0, step / self.plan.steps)
        assert self.plan.minutes is not None
        return min(1.0, self.seconds / (60 * self.plan.minutes))


def learning_rate(plan: Plan, used: float) -> float:
    """Return the rate at a used part of the budget: linear warm-up, then a cosine to zero."""
    if used < plan.warm_up:
        return plan.learning_rate * max(used / plan.warm_up, 0.01)
    progress = (used - plan.warm_up) / (1 - plan.warm_up)
    return plan.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


def bits_per_byte(model: LanguageModel, batches: Iterable[Tensor]) -> float:
    """Return the mean bits per byte of windows, uint8 [windows, tokens] on the model's device."""
    total = torch.zeros((), dtype=torch.float64)
    count = 0
    with torch.inference_mode():
        for windows in batches:
            total += bits_of(model(inputs_for(windows)), windows).sum().cpu()
            count += windows.numel()
    return float(total) / count


def train(
    configuration: Configuration,
    plan: Plan,
    text: Tensor,
    validation: Tensor,
    *,
    forward: Callable[[LanguageModel], Callable[[Tensor], Tensor]] = lambda model: model,
    say: Callable[[str], None],
) -> Trained:
    """Train a model from scratch.

    Args:
        configuration: the model's sizes.
        plan: the budget and the settings.
        text: uint8 [bytes] on the device to train on.
        validation: uint8 [windows, context] on the same device.
        forward: makes of the model what is called for training, such as its compiled form.
        say: is given a line of progress every few seconds.
    """
    torch.manual_seed(plan.seed)
    model = LanguageModel(configuration, dropout=plan.dropout).to(text.device)
    run = _Run(plan, model, forward(model), text)
    # Compilation and the first allocations happen in this step, outside the budget.
    run.step(0.0)
    model.load_state_dict(run.initial)
    run.optimiser = _optimiser(model, plan)
    budget, best, next_validation, next_line = Budget(plan), math.inf, 0.0, 0.0
    state, steps, used = run.initial, 0, 0.0
    while used < 1.0:
        loss = run.step(learning_rate(plan, used))
        steps += 1
        used = budget.used(steps)
        if used >= 1.0 or used >= next_validation:
            next_validation += 1 / plan.validations
            score = _validate(model, validation)
            if score < best:
                best, state = score, _copy(model)
            say(f"validation: {score:.4f} bits per byte after {steps} steps (best {best:.4f})")
        if budget.seconds >= next_line:
            next_line = budget.seconds + 5
            rate = steps * run.tokens_per_step / budget.seconds
            bits = float(loss) / math.log(2)
            say(
                f"{100 * used:5.1f}%  step {steps:6d}  {bits:.4f} bits per byte in training  "
                f"{rate:,.0f} tokens/s"
            )
    seconds = budget.seconds
    model.load_state_dict(state)
    model.eval().requires_grad_(requires_grad=False)
    return Trained(model, steps, seconds, steps * run.tokens_per_step, best)


class _Run:
    """A model being trained: its optimiser, its data, and one step of both."""

    def __init__(
        self, plan: Plan, model: LanguageModel, forward: Callable[[Tensor], Tensor], text: Tensor
    ) -> None:
        self.plan = plan
        self.model = model
        self.forward = forward
        self.text = text
        self.initial = _copy(model)
        self.optimiser = _optimiser(model, plan)
        self.context = model.configuration.context
        self.tokens_per_step = plan.batch_windows * self.context
        self.spread = torch.arange(self.context, device=text.device)

    def step(self, rate: float) -> Tensor:
        """Make one step at a learning rate and return its loss, in nats, on the device."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.model.train()
        offsets = torch.randint(
            len(self.text) - self.context, (self.plan.batch_windows, 1), device=self.text.device
        )
        windows = self.text[offsets + self.spread]
        with _autocast(self.text.device):
            logits = self.forward(inputs_for(windows))
        loss = functional.cross_entropy(logits.float().flatten(0, 1), windows.long().flatten())
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.plan.gradient_norm)
        self.optimiser.step()
        return loss.detach()


def _validate(model: LanguageModel, windows: Tensor) -> float:
    """Return the validation's bits per byte, dropout off, in the precision of training."""
    model.eval()
    with _autocast(windows.device):
        return bits_per_byte(model, torch.split(windows, 64))


def _copy(model: LanguageModel) -> dict[str, Tensor]:
    """Return a copy of the weights."""
    return {name: weight.detach().clone() for name, weight in model.state_dict().items()}


def _optimiser(model: LanguageModel, plan: Plan) -> torch.optim.AdamW:
    """Return AdamW that decays matrices and leaves the norms' weights alone."""
    matrices = [weight for weight in model.parameters() if weight.ndim > 1]
    vectors = [weight for weight in model.parameters() if weight.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": plan.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=plan.learning_rate, betas=(0.9, 0.95), fused=True)


def _autocast(device: torch.device) -> AbstractContextManager[object]:
    """Compute in bfloat16 on a GPU; a CPU without bfloat16 units is 7 times slower in it."""
    if device.type == "cuda":
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()
