"""What is given to an operator that reads int32 sums."""

from __future__ import annotations

import torch

from mistakes.memory import without_memory
from mistakes.mistake import Mistake
from opparity.formats import RECIPES

_NAME = "silu_and_mul_of_sums"
_OUT = f"{_NAME}.out"
_ONES = torch.ones(3, 1)
_SHARED = torch.ones(3, 128)

SUMS = [
    Mistake(
        "numbers in the place of sums",
        _NAME,
        "input has dtype bfloat16; allowed: int32, the sums of a product of int8 matrices; pass "
        "those, or call silu_and_mul with numbers",
        {"input": torch.ones(3, 256, dtype=torch.bfloat16)},
    ),
    Mistake(
        "sums of one dimension",
        "quantize_of_sums",
        "input has 1 dimensions; allowed: 2, [num_tokens, hidden_size]; flatten",
        {"input": torch.ones(128, dtype=torch.int32)},
    ),
    Mistake(
        "an odd width of sums",
        _NAME,
        "input is 255 wide; allowed: an even width of at least 2; concatenate",
        {"input": torch.ones(3, 255, dtype=torch.int32)},
    ),
    Mistake(
        "sums with gaps",
        _NAME,
        "input's last dimension has stride 2; allowed: 1; call contiguous()",
        {"input": torch.ones(3, 512, dtype=torch.int32)[:, ::2]},
    ),
    Mistake(
        "sums that stand for another dtype",
        _NAME,
        "dtype is 'float64'; allowed: float16, bfloat16, float32; choose one",
        {"dtype": "float64"},
    ),
    Mistake(
        "no scales of tokens",
        _NAME,
        "token_scales is None; allowed: a tensor; pass one",
        {"token_scales": None},
    ),
    Mistake(
        "scales of tokens in bfloat16",
        _NAME,
        "token_scales has dtype bfloat16; allowed: float32; cast it",
        {"token_scales": _ONES.bfloat16()},
    ),
    Mistake(
        "scales of tokens as a list",
        _NAME,
        "token_scales has shape [3]; allowed: [3, 1], [num_tokens, 1], one for each row; pass",
        {"token_scales": torch.ones(3)},
    ),
    Mistake(
        "scales of other tokens",
        _NAME,
        "token_scales has shape [4, 1]; allowed: [3, 1], [num_tokens, 1], one for each row; pass",
        {"token_scales": torch.ones(4, 1)},
    ),
    Mistake(
        "scales of tokens that lie apart",
        _NAME,
        "token_scales has strides [2, 1]; allowed: 1 in the first dimension; call contiguous()",
        {"token_scales": torch.ones(3, 2)[:, :1]},
    ),
    Mistake(
        "one scale that is repeated for all columns",
        _NAME,
        "weight_scales has strides [0, 1]; allowed: 1 in the first dimension; call contiguous()",
        {"weight_scales": torch.ones(1, 1).expand(256, 1)},
    ),
    Mistake(
        "scales of columns in float64",
        _NAME,
        "weight_scales has dtype float64; allowed: float32; cast it",
        {"weight_scales": torch.ones(256, 1, dtype=torch.float64)},
    ),
    Mistake(
        "scales of half of the columns",
        _NAME,
        "weight_scales has shape [128, 1]; allowed: [256, 1], [width, 1], one for each column of "
        "the input; pass those",
        {"weight_scales": torch.ones(128, 1)},
    ),
    Mistake(
        "scales of columns as a row",
        "quantize_of_sums",
        "weight_scales has shape [1, 128]; allowed: [128, 1], [width, 1], one for each column",
        {"weight_scales": torch.ones(1, 128)},
    ),
    Mistake(
        "a scale where the recipe computes its own",
        _NAME,
        "scale is given; allowed: None, since the recipe computes its scales; leave it out",
        {"scale": torch.tensor(1.0)},
    ),
    Mistake(
        "products in another dtype than the sums stand for",
        _OUT,
        "values has dtype float16; allowed: bfloat16, as dtype says; allocate it so",
        {"values": torch.ones(3, 128, dtype=torch.float16)},
        RECIPES["none"],
    ),
    Mistake(
        "products over the scales of columns",
        "quantize_of_sums.out",
        "values and weight_scales share memory; allowed: separate memory; allocate values anew",
        {"values": _SHARED, "weight_scales": _SHARED[1].unsqueeze(1), "dtype": "float32"},
        RECIPES["none"],
        needs_data=True,
    ),
    Mistake(
        "scales of tokens without their memory",
        _NAME,
        "token_scales needs 12 bytes of a storage that has 1; allowed: a storage that holds the "
        "tensor; resize the storage back",
        {"token_scales": without_memory(torch.ones(3, 1))},
        needs_data=True,
    ),
]
