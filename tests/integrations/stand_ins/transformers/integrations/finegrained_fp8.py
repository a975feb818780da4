from collections.abc import Callable
from typing import Any, ClassVar

import torch


class FP8Linear(torch.nn.Linear):
    weight: torch.nn.Parameter
    bias: torch.nn.Parameter | None
    weight_scale_inv: torch.nn.Parameter
    activation_scheme: str


class FP8Experts:
    num_experts: int
    has_gate: bool
    activation_scheme: str
    act_fn: Callable[[torch.Tensor], torch.Tensor]
    gate_up_proj: torch.Tensor
    gate_up_proj_scale_inv: torch.Tensor
    down_proj: torch.Tensor
    down_proj_scale_inv: torch.Tensor
    swiglu_alpha: float | None
    swiglu_limit: float | None
    limit: float | None
    gate_softcap: float | None
    up_softcap: float | None


class FP8ExpertsInterface:
    _global_mapping: ClassVar[dict[str, Callable[..., Any]]] = {}

    @classmethod
    def register(cls, key: str, value: Callable[..., Any]) -> None:
        cls._global_mapping[key] = value


ALL_FP8_EXPERTS_FUNCTIONS = FP8ExpertsInterface()
