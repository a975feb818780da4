"""Experts in block FP8 whose activation and quantisation are one operator."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol

import torch

from opparity.errors import PluginRefused
from opparity.integrations.transformers.table import ACTIVATIONS, MODULE, REGISTRY, objection
from opparity.nn import BlockFP8Linear
from opparity.operators import functions

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

NAME = "opparity"


class Experts(Protocol):
    """What is read of transformers' FP8Experts: the table's row, for the type checker."""

    num_experts: int
    has_gate: bool
    activation_scheme: str
    gate_up_proj: Tensor
    gate_up_proj_scale_inv: Tensor
    down_proj: Tensor
    down_proj_scale_inv: Tensor
    act_fn: Callable[[Tensor], Tensor]
    swiglu_alpha: float | None
    swiglu_limit: float | None
    limit: float | None
    gate_softcap: float | None
    up_softcap: float | None


def register_experts() -> None:
    """Make "opparity" a choice of `model.set_experts_implementation` for FineGrainedFP8 models.

    Raises:
        ImportError: transformers is not installed, or has no FP8 experts.
        PluginRefused: for a version of transformers that was not tried.
    """
    # It imports for seconds, and is not wanted before.
    importlib.import_module("transformers")
    reason = objection()
    if reason is not None:
        raise PluginRefused(
            detail=reason,
            remedy="install one of these versions, or choose another experts implementation",
        )
    getattr(importlib.import_module(MODULE), REGISTRY).register(NAME, experts_forward)


def experts_forward(
    self: Experts, hidden_states: Tensor, top_k_index: Tensor, top_k_weights: Tensor
) -> Tensor:
    """Return the sum of each token's experts, weighted; experts are visited one after another.

    Args:
        self: transformers' FP8Experts.
        hidden_states: [num_tokens, hidden_size].
        top_k_index: [num_tokens, top_k], experts; those that are not here have higher numbers.
        top_k_weights: [num_tokens, top_k].

    Raises:
        NotImplementedError: weights that are not FP8 by blocks of 128 x 128, or an activation that
            no producer computes.
    """
    producer, numbers = _activation(self)
    activation = getattr(functions, producer)
    summed = torch.zeros_like(hidden_states, dtype=torch.float32)
    for expert in range(self.num_experts):
        token, position = torch.where(top_k_index == expert)
        if token.numel() == 0:
            continue
        gate_up, down = _linears(self, expert, hidden_states.dtype)
        middle = activation(gate_up(hidden_states[token]), down.activations, **numbers)
        weighted = down(middle) * top_k_weights[token, position, None].to(hidden_states.dtype)
        summed.index_add_(0, token, weighted.float())
    return summed.to(hidden_states.dtype)


def _linears(
    experts: Experts, expert: int, dtype: torch.dtype
) -> tuple[BlockFP8Linear, BlockFP8Linear]:
    """Return an expert's matrices as modules, which hold views and copy nothing."""
    gate_up = BlockFP8Linear(
        experts.gate_up_proj[expert], experts.gate_up_proj_scale_inv[expert].float(), dtype=dtype
    )
    down = BlockFP8Linear(
        experts.down_proj[expert], experts.down_proj_scale_inv[expert].float(), dtype=dtype
    )
    return gate_up, down


def _activation(experts: Experts) -> tuple[str, dict[str, float]]:
    """Return the producer and its numbers that an FP8Experts computes in `_apply_gate`."""
    reason = _objection(experts)
    if reason is not None:
        raise NotImplementedError(f"{reason}; choose another experts implementation")
    if experts.swiglu_alpha is not None:
        numbers = {"alpha": experts.swiglu_alpha, "beta": 1.0}
        limit = experts.swiglu_limit
        return "swigluoai_and_mul", numbers if limit is None else {**numbers, "limit": limit}
    if experts.limit is not None:
        return "silu_and_mul_with_clamp", {"limit": experts.limit}
    return ACTIVATIONS[type(experts.act_fn).__name__], {}


def _objection(experts: Experts) -> str | None:
    """Return why an FP8Experts is not served, or None."""
    if not experts.has_gate or experts.activation_scheme != "dynamic":
        return (
            "opparity's experts are gated, with scales computed from the activations; these are "
            f"{'' if experts.has_gate else 'not '}gated, their scales {experts.activation_scheme}"
        )
    if experts.gate_up_proj.dtype != torch.float8_e4m3fn:
        return (
            f"the experts' weights are {experts.gate_up_proj.dtype}; allowed: torch.float8_e4m3fn "
            "by blocks of 128 x 128"
        )
    for softcap in ("gate_softcap", "up_softcap"):
        if getattr(experts, softcap, None) is not None:
            return f"the experts have {softcap}, and no producer of Opparity's has one"
    name = type(experts.act_fn).__name__
    if experts.swiglu_alpha is None and name not in ACTIVATIONS:
        return f"the experts' activation is {name}; allowed: {', '.join(ACTIVATIONS)}"
    is_limited = experts.swiglu_alpha is None and experts.limit is not None
    if is_limited and ACTIVATIONS[name] != "silu_and_mul":
        return f"the experts limit {name}; a limit is there for SiLU alone"
    return None
