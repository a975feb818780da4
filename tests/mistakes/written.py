"""What an operator is to write to: values, scales and their layouts."""

from __future__ import annotations

import torch

from mistakes.mistake import BLOCK, E8M0, MX, Mistake, laid, strided
from opparity.formats import RECIPES, ScaleLayout

WRITTEN = [
    Mistake(
        "out of another shape",
        BLOCK,
        "out has shape [3, 64]; allowed: [3, 128], [num_tokens, hidden_size]; allocate it so",
        {"out": torch.empty(3, 64, dtype=torch.int8)},
    ),
    Mistake(
        "out with another number of tokens",
        BLOCK,
        "out has shape [2, 128]; allowed: [3, 128]",
        {"out": torch.empty(2, 128, dtype=torch.int8)},
    ),
    Mistake(
        "out of one dimension",
        BLOCK,
        "out has shape [384]; allowed: [3, 128]",
        {"out": torch.empty(384, dtype=torch.int8)},
    ),
    Mistake(
        "out of float32",
        BLOCK,
        "out has dtype float32; allowed: float8_e4m3fn, float8_e4m3fnuz, float8_e5m2, int8; "
        "allocate it so",
        {"out": torch.empty(3, 128)},
    ),
    Mistake(
        "values that E8M0 scales are not defined for",
        "per_token_group_fp8_quant",
        "output_q has dtype int8; allowed: float8_e4m3fn, float8_e5m2; allocate it so",
        {"output_q": torch.empty(3, 128, dtype=torch.int8), "scale_ue8m0": True},
    ),
    Mistake(
        "values that are not NVFP4",
        "silu_and_mul_nvfp4_quant",
        "result has dtype int8; allowed: uint8, float4_e2m1fn_x2; allocate it so",
        {"result": torch.empty(3, 64, dtype=torch.int8)},
        RECIPES["nvfp4"].with_layout(ScaleLayout.SWIZZLE_128X4),
    ),
    Mistake(
        "values of another dtype than the recipe's",
        "silu_and_mul.out",
        "values has dtype int8; allowed: float8_e4m3fn; allocate it so",
        {"values": torch.empty(3, 128, dtype=torch.int8)},
    ),
    Mistake(
        "a product of another dtype than the input's",
        "gelu_and_mul.vllm",
        "out has dtype float16; allowed: bfloat16, the input's; allocate it so",
        {"out": torch.empty(3, 128, dtype=torch.float16)},
        RECIPES["none"],
    ),
    Mistake(
        "values with a byte for each code of four bits",
        "quantize.out",
        "values has shape [3, 128]; allowed: [3, 64], [num_tokens, hidden_size / 2]; allocate",
        {"values": torch.empty(3, 128, dtype=torch.uint8)},
        RECIPES["mxfp4"],
    ),
    Mistake(
        "out with gaps",
        BLOCK,
        "out has strides [256, 2]; allowed: 1 in the last dimension and at least 128 in the first",
        {"out": torch.empty(3, 256, dtype=torch.int8)[:, ::2]},
    ),
    Mistake(
        "out's rows in one place",
        BLOCK,
        "out has strides [0, 1]; allowed: 1 in the last dimension and at least 128",
        {"out": torch.empty(1, 128, dtype=torch.int8).expand(3, 128)},
    ),
    Mistake(
        "scales where the recipe has none",
        "silu_and_mul.out",
        "scales has shape [3, 1]; allowed: [0], since the recipe computes no scales; allocate it",
        {"scales": torch.empty(3, 1)},
        RECIPES["none"],
    ),
    Mistake(
        "scales of float16",
        BLOCK,
        "scales has dtype float16; allowed: float32; allocate it so",
        {"scales": torch.empty(3, 2, dtype=torch.float16)},
    ),
    Mistake(
        "float32 scales for exponents",
        "silu_and_mul.out",
        "scales has dtype float32; allowed: float8_e8m0fnu, uint8; allocate it so",
        {"scales": torch.empty(3, 4)},
        MX,
    ),
    Mistake(
        "bytes for packed exponents",
        "silu_and_mul.out",
        "scales has dtype uint8; allowed: int32; allocate it so",
        {"scales": torch.empty(3, 4, dtype=torch.uint8)},
        laid("packed"),
    ),
    Mistake(
        "scales of another shape",
        BLOCK,
        "scales has shape [3, 3]; allowed: [3, 2], [num_tokens, num_groups]; allocate it so",
        {"scales": torch.empty(3, 3)},
    ),
    Mistake(
        "scales of one dimension",
        BLOCK,
        "scales has shape [6]; allowed: [3, 2]",
        {"scales": torch.empty(6)},
    ),
    Mistake(
        "packed scales of another shape",
        "silu_and_mul.out",
        "scales has shape [3, 4]; allowed: [3, 1], [num_tokens, words]; allocate it so",
        {"scales": torch.empty(3, 4, dtype=torch.int32)},
        laid("packed"),
    ),
    Mistake(
        "scales by groups without saying so",
        BLOCK,
        "scales has shape [2, 3]; allowed: [3, 2]",
        {"scales": torch.empty(2, 3)},
    ),
    Mistake(
        "transposed scales of another shape",
        BLOCK,
        "scales has shape [4, 3]; allowed: [2, 3], [num_groups, num_tokens], or the transposed "
        "view of such a tensor; allocate it so",
        {"scales": torch.empty(4, 3), "is_scale_transposed": True},
    ),
    Mistake(
        "transposed scales that are not",
        BLOCK,
        "scales has strides [2, 1] and is_scale_transposed is True; allowed: a group's scales next",
        {"scales": torch.empty(3, 2), "is_scale_transposed": True},
    ),
    Mistake(
        "scales in one place",
        BLOCK,
        "scales has strides [0, 1], so that elements share memory; allowed: a place for each",
        {"scales": torch.empty(1, 2).expand(3, 2)},
    ),
    Mistake(
        "scales that overlap",
        "per_token_group_fp8_quant",
        "output_s has strides [1, 1], so that elements share memory",
        {"output_s": torch.empty(8).as_strided((3, 2), (1, 1))},
    ),
    Mistake(
        "column-major scales for a row-major recipe",
        "silu_and_mul.out",
        "scales has strides [1, 3]; allowed: 1 in the last dimension and at least 4 in the first",
        {"scales": strided((3, 4), (1, 3), E8M0)},
        MX,
    ),
    Mistake(
        "row-major scales for a column-major recipe",
        "silu_and_mul.out",
        "scales has strides [4, 1]; allowed: 1 in the first dimension and at least 3 in the last; "
        "allocate it so",
        {"scales": strided((3, 4), (4, 1), E8M0)},
        laid("column_major"),
    ),
    Mistake(
        "columns that are not padded",
        "silu_and_mul.out",
        "scales has strides [1, 3]; allowed: 1 in the first dimension and at least 3 and a "
        "multiple of 16 in the last; allocate it so",
        {"scales": strided((3, 4), (1, 3), E8M0)},
        laid("column_major_padded"),
    ),
    Mistake(
        "packed columns that are not padded",
        "per_token_group_fp8_quant_packed",
        "output_s_packed has strides [1, 3]; allowed: 1 in the first dimension and at least 3 and "
        "a multiple of 4 in the last; allocate it so",
        {"output_s_packed": strided((3, 2), (1, 3), torch.int32), "group_size": 16},
        laid("packed"),
    ),
    Mistake(
        "too little memory for tiles",
        "silu_and_mul.out",
        "scales has 508 bytes; allowed: 512, tiles of 128 tokens and 4 groups; allocate it so",
        {"scales": torch.empty(508, dtype=torch.uint8)},
        laid("swizzle_128x4"),
    ),
    Mistake(
        "tiles with gaps",
        "silu_and_mul.out",
        "scales has strides [8, 1]; allowed: contiguous memory; allocate it so",
        {"scales": strided((128, 4), (8, 1), E8M0)},
        laid("swizzle_128x4"),
    ),
    Mistake(
        "values on another device",
        BLOCK,
        "out is on meta and input on cpu; allowed: one device; move them together",
        {"out": torch.empty(3, 128, dtype=torch.int8, device="meta")},
    ),
]
