"""What is given to an operator that quantises a gradient."""

from __future__ import annotations

import torch

from mistakes.mistake import Mistake

_NAME = "silu_and_mul_backward_quantized"

QUANTISED_GRADIENTS = [
    Mistake(
        "a quantised gradient of another dtype",
        _NAME,
        "gradient has dtype float16; allowed: bfloat16, float32",
        {"gradient": torch.ones(3, 128, dtype=torch.float16)},
    ),
    Mistake(
        "a quantised gradient as wide as the input",
        _NAME,
        "gradient has shape [3, 256]; allowed: [3, 128]",
        {"gradient": torch.ones(3, 256, dtype=torch.bfloat16)},
    ),
    Mistake(
        "a gradient that is not quantised",
        _NAME,
        "recipe is 'none' of a gradient; allowed: values in groups",
        {"recipe": "none"},
    ),
    Mistake(
        "a gradient of rounded factors",
        _NAME,
        "intermediate is 'input_dtype'; allowed: float32, product; choose one",
        {"intermediate": "input_dtype"},
    ),
]
