"""What is given to an operator: inputs, gradients, recipes, numbers and given scales."""

from __future__ import annotations

import torch

from mistakes.mistake import BLOCK, E8M0, Mistake
from opparity.formats import RECIPES

GIVEN = [
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
        "a count of 64 bits",
        "situ_and_mul_quant",
        "num_valid_tokens has dtype int64; allowed: int32; cast it",
        {"num_valid_tokens": torch.ones((), dtype=torch.int64)},
    ),
    Mistake(
        "a count for each expert",
        "situ_and_mul_quant",
        "num_valid_tokens has 3 elements; allowed: 1, the number of tokens; pass that",
        {"num_valid_tokens": torch.ones(3, dtype=torch.int32)},
    ),
    Mistake(
        "tokens without rows",
        "situ_and_mul_quant",
        "topk is 0; allowed: 1 to 2147483647; choose one",
        {"topk": 0},
    ),
    Mistake(
        "intermediate of another name",
        BLOCK,
        "intermediate is 'bfloat16'; allowed: float32, input_dtype, product; choose one",
        {"intermediate": "bfloat16"},
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
        # NaN has no sign in words.
        for value in (float("nan"), -float("nan"), 0.0, -0.0, float("inf"), float("-inf"))
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
        "a text with a byte that ends words in C",
        "quantize",
        "recipe is 'fp8\\0block'; allowed: fp8_block, ",
        {"recipe": "fp8\0block"},
    ),
]
