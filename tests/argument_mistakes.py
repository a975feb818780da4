"""Arguments that every operator refuses, and how the refusals begin."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from operator_calls import good_arguments
from opparity.formats import RECIPES, Recipe, ScaleLayout

BLOCK = "silu_and_mul_per_block_quant.intermediate"
MX = RECIPES["mxfp8"]


def laid(layout: str) -> Recipe:
    return MX.with_layout(ScaleLayout(layout))


@dataclass(frozen=True)
class Mistake:
    """A good call of an operator with some arguments replaced, and how its refusal begins."""

    what: str
    operator: str
    words: str
    changes: dict[str, Any] = field(default_factory=dict)
    recipe: Recipe | None = None
    needs_data: bool = False

    def arguments(self) -> dict[str, Any]:
        return good_arguments(self.operator, self.recipe) | self.changes


def strided(size: tuple[int, ...], stride: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    return torch.zeros(4096, dtype=torch.uint8).view(dtype).as_strided(size, stride)


def at_an_odd_address(*sizes: int) -> Tensor:
    """Return a bfloat16 tensor that begins at an odd address."""
    memory = bytearray(2 * math.prod(sizes) + 64)
    start = torch.frombuffer(memory, dtype=torch.uint8).data_ptr()
    return torch.frombuffer(
        memory, dtype=torch.bfloat16, count=math.prod(sizes), offset=1 + start % 2
    ).view(sizes)


def without_memory(tensor: Tensor) -> Tensor:
    """Return a tensor whose storage was made too small for it."""
    tensor.untyped_storage().resize_(1)
    return tensor


FP8, E8M0 = torch.float8_e4m3fn, torch.float8_e8m0fnu
MISTAKES = [
    Mistake(
        "input of one dimension",
        BLOCK,
        "input has 1 dimensions; allowed: 2, [num_tokens, 2 * hidden_size]; flatten the leading",
        {"input": torch.ones(256)},
    ),
    Mistake(
        "input of three dimensions",
        "quantize",
        "input has 3 dimensions; allowed: 2, [num_tokens, hidden_size]; flatten",
        {"input": torch.ones(1, 3, 256)},
    ),
    Mistake(
        "input of float64",
        BLOCK,
        "input has dtype float64; allowed: float16, bfloat16, float32; cast it",
        {"input": torch.ones(3, 256, dtype=torch.float64)},
    ),
    Mistake(
        "input of int8",
        "relu_squared.vllm",
        "input has dtype int8; allowed",
        {"input": torch.ones(3, 128, dtype=torch.int8)},
    ),
    Mistake(
        "input of FP4",
        "quantize",
        "input has dtype float4_e2m1fn_x2; allowed: float16",
        {"input": torch.zeros(3, 64, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)},
    ),
    Mistake(
        "input of exponents",
        "silu_and_mul",
        "input has dtype float8_e8m0fnu; allowed: float16",
        {"input": torch.zeros(3, 256, dtype=torch.uint8).view(E8M0)},
    ),
    Mistake(
        "odd width",
        BLOCK,
        "input is 255 wide; allowed: an even width of at least 2; concatenate",
        {"input": torch.ones(3, 255)},
    ),
    Mistake(
        "no width", BLOCK, "input is 0 wide; allowed: an even width", {"input": torch.ones(3, 0)}
    ),
    Mistake(
        "no width of a plain producer",
        "quantize",
        "input is 0 wide; allowed: a width of at least 1; leave the call out",
        {"input": torch.ones(3, 0)},
    ),
    Mistake(
        "input's last dimension with gaps",
        BLOCK,
        "input's last dimension has stride 2; allowed: 1; call contiguous()",
        {"input": torch.ones(3, 512)[:, ::2]},
    ),
    *(
        Mistake(
            f"group_size of {size}",
            BLOCK,
            f"group_size is {size}; allowed: 16, 32, 64, 128, 256; choose one",
            {"group_size": size},
        )
        for size in (48, 0, -64)
    ),
    Mistake(
        "a recipe of another name",
        "silu_and_mul",
        "recipe is 'fp8'; allowed: fp8_block, fp8_block_64, ",
        {"recipe": "fp8"},
    ),
    Mistake(
        "a recipe that does not exist",
        "quantize",
        "recipe is 'int8/32/float8_e8m0fnu/ceil/row_major'; allowed: fp8_block, ",
        {"recipe": "int8/32/float8_e8m0fnu/ceil/row_major"},
    ),
    Mistake(
        "odd width of four bits",
        "quantize",
        "hidden_size is 127; allowed: an even one with float4_e2m1, which stores two codes a byte; "
        "pad the projection to 128",
        {"input": torch.ones(3, 127), "recipe": "mxfp4"},
    ),
    Mistake(
        "another maximum",
        "per_token_group_fp8_quant",
        "fp8_max is 240; allowed: 448, float8_e4m3fn's; pass that",
        {"fp8_max": 240.0},
    ),
    Mistake(
        "another minimum",
        "per_token_group_quant_int8",
        "int8_min is -127; allowed: -128, int8's; pass that",
        {"int8_min": -127.0},
        RECIPES["int8_block"],
    ),
    Mistake(
        "eps of zero",
        "per_token_group_fp8_quant",
        "eps is 0; allowed: 1e-30 to 1e+30; choose one",
        {"eps": 0.0},
    ),
    Mistake(
        "eps of NaN",
        "per_token_group_fp8_quant",
        "eps is nan; allowed: 1e-30 to 1e+30; choose one",
        {"eps": float("nan")},
    ),
    *(
        Mistake(
            f"limit of {value:g}",
            "silu_and_mul_with_clamp",
            f"limit is {value:g}; allowed: 1e-30 to 1e+30; choose one",
            {"limit": value},
        )
        for value in (0.0, -1.0, 1e300, float("inf"), float("nan"))
    ),
    Mistake(
        "beta of zero, backward",
        "situ_and_mul_backward",
        "beta is 0; allowed: 1e-30 to 1e+30; choose one",
        {"beta": 0.0},
    ),
    *(
        Mistake(
            f"linear_beta of {value:g}",
            "situ_and_mul",
            f"linear_beta is {value:g}; allowed: 0, or a magnitude of 1e-30 to 1e+30; choose one",
            {"linear_beta": value},
        )
        for value in (1e-31, -1e-31, -1e31, float("inf"), float("nan"))
    ),
    Mistake(
        "a scale for each group of a given one",
        "static_scaled_fp8_quant",
        "group_shape is [1, 128]; allowed: None or [-1, -1], one scale for the whole tensor; pass",
        {"group_shape": [1, 128]},
        RECIPES["fp8_tensor"],
    ),
    Mistake(
        "a scale for each token",
        "situ_and_mul_quant",
        "group_size is 0; allowed: 16, 32, 64, 128, 256; choose one",
        {"group_size": 0},
    ),
    Mistake(
        "rows that are bounded on the device",
        "situ_and_mul_quant",
        "num_valid_tokens is given; allowed: None, since every row is written; pass the valid rows",
        {"num_valid_tokens": torch.ones((), dtype=torch.int32)},
    ),
    Mistake(
        "intermediate of another name",
        BLOCK,
        "intermediate is 'bfloat16'; allowed: float32, input_dtype, product; choose one",
        {"intermediate": "bfloat16"},
    ),
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
        "gradient of another shape",
        "silu_and_mul_backward",
        "gradient has shape [3, 64]; allowed: [3, 128], [num_tokens, hidden_size]; pass the",
        {"gradient": torch.ones(3, 64)},
    ),
    Mistake(
        "gradient of another 16-bit dtype",
        "relu_squared_backward",
        "gradient has dtype float16; allowed: bfloat16, float32; cast it",
        {"gradient": torch.ones(3, 128, dtype=torch.float16)},
    ),
    Mistake(
        "gradient of one number",
        "gelu_and_mul_backward",
        "gradient's last dimension has stride 0; allowed: 1; call contiguous()",
        {"gradient": torch.ones(()).expand(3, 128)},
    ),
    Mistake(
        "no scale where one is taken",
        "silu_and_mul",
        "scale is None; allowed: one float32 number, since the recipe's scale is given; pass it",
        {"recipe": "nvfp4"},
    ),
    Mistake(
        "a scale where none is taken",
        "silu_and_mul",
        "scale is given; allowed: None, since the recipe computes its scales; leave it out",
        {"scale": torch.ones(())},
    ),
    Mistake(
        "a bound of exponents",
        "silu_and_mul",
        "scale_ub is given; allowed: None, since the recipe has no scales that a bound is defined "
        "for; leave it out",
        {"recipe": "mxfp8", "scale_ub": torch.ones(())},
    ),
    Mistake(
        "scale_ub of float64",
        BLOCK,
        "scale_ub has dtype float64; allowed: float32; cast it",
        {"scale_ub": torch.tensor(1.0, dtype=torch.float64)},
    ),
    Mistake(
        "scale_ub of two elements",
        BLOCK,
        "scale_ub has 2 elements; allowed: 1; give one bound for all",
        {"scale_ub": torch.ones(2)},
    ),
    Mistake(
        "scale for each token",
        "silu_and_mul_quant",
        "scale has 3 elements; allowed: 1; give one scale for all",
        {"scale": torch.ones(3)},
        RECIPES["fp8_tensor"],
    ),
    Mistake(
        "values on another device",
        BLOCK,
        "out is on meta and input on cpu; allowed: one device; move them together",
        {"out": torch.empty(3, 128, dtype=torch.int8, device="meta")},
    ),
    *(
        Mistake(
            f"scale_ub of {value:g}",
            BLOCK,
            f"scale_ub is {value:g}; allowed: a number above 0; leave it out for none",
            {"scale_ub": torch.tensor(value)},
            needs_data=True,
        )
        for value in (float("nan"), 0.0, -1.5)
    ),
    *(
        Mistake(
            f"scale of {value:g}",
            "static_scaled_fp8_quant",
            f"scale is {value:g}; allowed: a finite number that is not 0; pass another",
            {"scale": torch.tensor(value)},
            RECIPES["fp8_tensor"],
            needs_data=True,
        )
        for value in (float("nan"), 0.0, -0.0, float("inf"), float("-inf"))
    ),
    *(
        Mistake(
            f"global scale of {value:g}",
            "silu_and_mul",
            f"scale is {value:g}; allowed: a finite number above 0; pass another",
            {"scale": torch.tensor(value), "recipe": "nvfp4"},
            needs_data=True,
        )
        for value in (float("nan"), 0.0, -1.5, float("inf"))
    ),
    Mistake(
        "no input where the gradient tells the device",
        "relu_squared_backward",
        "input is None; allowed: a tensor; pass one",
        {"input": None},
    ),
    Mistake(
        "an input without its memory",
        "quantize",
        "input needs 1536 bytes of a storage that has 1; allowed: a storage that holds the tensor; "
        "resize the storage back",
        {"input": without_memory(torch.ones(3, 128))},
        needs_data=True,
    ),
    Mistake(
        "an input at an odd address",
        "quantize",
        "input begins 1 bytes behind a multiple of 2; allowed: an address that its dtype divides; "
        "clone() it",
        {"input": at_an_odd_address(3, 128)},
        needs_data=True,
    ),
    Mistake(
        "counts of experts without their memory",
        "quantize_experts",
        "rows needs 16 bytes of a storage that has 1; allowed",
        {"rows": without_memory(torch.zeros(4, dtype=torch.int32))},
        needs_data=True,
    ),
    Mistake(
        "a text with a byte that ends words in C",
        "quantize",
        "recipe is 'fp8\\0block'; allowed: fp8_block, ",
        {"recipe": "fp8\0block"},
    ),
]
