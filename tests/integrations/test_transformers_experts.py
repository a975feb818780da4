"""register_experts: experts of FineGrainedFP8."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from model_shapes import HIDDEN, INNER
from opparity.integrations.transformers import experts as experts_module
from opparity.integrations.transformers import register_experts
from opparity.integrations.transformers import weights as weights_module
from opparity.integrations.transformers.experts import Experts, experts_forward
from opparity.integrations.transformers.table import ACTIVATIONS, ROWS, TRIED
from opparity.nn import BlockFP8Linear, SwiGLU

MODULES = [Path(str(module.__file__)) for module in (experts_module, weights_module)]


class GELUTanh(nn.Module):
    """By its name one of transformers' activations."""


def experts(**changed: object) -> SimpleNamespace:
    gate_up = [BlockFP8Linear.from_weight(torch.randn(2 * INNER, HIDDEN)) for _ in range(3)]
    down = [BlockFP8Linear.from_weight(torch.randn(HIDDEN, INNER)) for _ in range(3)]
    given: dict[str, object] = {
        "num_experts": 3,
        "has_gate": True,
        "activation_scheme": "dynamic",
        "gate_up_proj": stacked([linear.weight for linear in gate_up]),
        "gate_up_proj_scale_inv": torch.stack([linear.weight_scales for linear in gate_up]),
        "down_proj": stacked([linear.weight for linear in down]),
        "down_proj_scale_inv": torch.stack([linear.weight_scales for linear in down]),
        "act_fn": nn.SiLU(),
        "swiglu_alpha": None,
        "swiglu_limit": None,
        "limit": None,
        "gate_softcap": None,
        "up_softcap": None,
    }
    return SimpleNamespace(**{**given, **changed})


def stacked(weights: list[torch.Tensor]) -> torch.Tensor:
    codes = torch.stack([weight.view(torch.uint8) for weight in weights])
    return codes.view(torch.float8_e4m3fn)


@pytest.mark.parametrize(
    ("changed", "producer", "numbers"),
    [
        ({}, "silu_and_mul", {}),
        ({"limit": 7.0, "swiglu_limit": 7.0}, "silu_and_mul_with_clamp", {"limit": 7.0}),
        (
            {"swiglu_alpha": 1.5, "swiglu_limit": 6.0, "limit": 6.0},
            "swigluoai_and_mul",
            {"alpha": 1.5, "limit": 6.0, "beta": 1.0},
        ),
    ],
)
def test_experts_give_each_token_the_weighted_sum_of_its_own(
    changed: dict[str, object], producer: str, numbers: dict[str, float]
) -> None:
    made = experts(**changed)
    hidden = torch.randn(6, HIDDEN)
    # The fourth expert, number 3, is not on this machine.
    index = torch.tensor([[0, 2], [2, 0], [1, 3], [3, 3], [0, 1], [2, 1]])
    weights = torch.rand(6, 2)
    found = experts_forward(made, hidden, index, weights)
    expected = torch.zeros_like(hidden)
    for token in range(6):
        for expert, weight in zip(index[token].tolist(), weights[token], strict=True):
            if expert == 3:
                continue
            mlp = SwiGLU(
                BlockFP8Linear(
                    made.gate_up_proj[expert],
                    made.gate_up_proj_scale_inv[expert],
                    dtype=torch.float32,
                ),
                BlockFP8Linear(
                    made.down_proj[expert], made.down_proj_scale_inv[expert], dtype=torch.float32
                ),
                producer=producer,
                **numbers,
            )
            expected[token] += mlp(hidden[token]) * weight
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-3 * expected.abs().max().item())
    assert torch.equal(found[3], torch.zeros(HIDDEN))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"has_gate": False}, "these are not gated"),
        ({"activation_scheme": "static"}, "their scales static"),
        ({"gate_up_proj": torch.zeros(3, 4, 4, dtype=torch.int8)}, "weights are torch.int8"),
        ({"act_fn": nn.ReLU()}, "activation is ReLU; allowed: SiLUActivation"),
        ({"act_fn": nn.GELU(), "limit": 1.0}, "activation is GELU"),
        ({"act_fn": GELUTanh(), "limit": 1.0}, "limit GELUTanh"),
        ({"gate_softcap": 5.0}, "have gate_softcap"),
        ({"up_softcap": 5.0}, "have up_softcap"),
    ],
)
def test_experts_that_are_not_served_are_refused(changed: dict[str, object], words: str) -> None:
    with pytest.raises(NotImplementedError, match=words):
        experts_forward(
            experts(**changed),
            torch.randn(1, HIDDEN),
            torch.zeros(1, 1, dtype=torch.long),
            torch.ones(1, 1),
        )


def test_experts_are_registered_by_their_name(transformers: Any) -> None:  # noqa: ANN401
    register_experts()
    assert transformers.ALL_FP8_EXPERTS_FUNCTIONS._global_mapping == {"opparity": experts_forward}


def test_the_table_has_what_is_read_and_so_have_the_stand_ins(transformers: Any) -> None:  # noqa: ANN401
    assert sys.modules["transformers"].__version__ == TRIED[-1]
    rows = {row.name: row.read for row in ROWS}
    for name, read in rows.items():
        assert set(getattr(transformers, name).__annotations__) == set(read)
    assert set(Experts.__annotations__) == set(rows["FP8Experts"])
    assert set(vars(experts())) == set(rows["FP8Experts"])
    source = "".join(path.read_text("utf-8") for path in MODULES)
    for attribute in {each for read in rows.values() for each in read}:
        assert re.search(rf"\b{attribute}\b", source), attribute
    activations = importlib.import_module("transformers.activations")
    assert ACTIVATIONS.keys() - vars(activations).keys() == {"SiLU"}
