"""The GPU kernel of silu_and_mul_per_block_quant, one source for NVIDIA and AMD."""

from __future__ import annotations

import triton
import triton.language as tl

from opparity.operators.triton_numerics import (
    bits_of,
    constant,
    encode_e4m3,
    encode_int8,
    encode_packed,
    group_scale,
    round_to_bfloat16,
    silu,
)


@triton.jit
def silu_and_mul_per_block_quant_kernel(
    out,
    input,
    scales,
    scale_ub,
    hidden_size,
    num_groups,
    programs_per_token,
    has_bound,
    input_row_stride,
    out_row_stride,
    scale_token_stride,
    scale_group_stride,
    GROUP_SIZE: tl.constexpr,
    GROUPS: tl.constexpr,
    MAXIMUM: tl.constexpr,
    MINIMUM_SCALE: tl.constexpr,
    ENCODER: tl.constexpr,
    ROUNDS_TO: tl.constexpr,
    TARGET: tl.constexpr,
):
    """Quantise GROUPS groups of one token; the last program of a token may have fewer.

    Offsets are 64 bits wide: 2^31 elements are 61,681 tokens of width 2 * 17408.
    TARGET is "cuda", "hip" or "interpreter". scale_ub is not read where has_bound is 0.
    """
    program = tl.program_id(0)
    token = (program // programs_per_token).to(tl.int64)
    group = (program % programs_per_token) * GROUPS + tl.arange(0, GROUPS)
    column = group[:, None] * GROUP_SIZE + tl.arange(0, GROUP_SIZE)[None, :]
    mask = (group < num_groups)[:, None]
    row = input + token * input_row_stride
    gate = tl.load(row + column, mask=mask, other=0.0).to(tl.float32)
    up = tl.load(row + hidden_size + column, mask=mask, other=0.0).to(tl.float32)

    activated = silu(gate, TARGET)
    if ROUNDS_TO == "bfloat16":
        activated = round_to_bfloat16(activated)
    elif ROUNDS_TO == "float16":
        activated = activated.to(tl.float16).to(tl.float32)
    product = activated * up
    if ROUNDS_TO == "bfloat16":
        product = round_to_bfloat16(product)
    elif ROUNDS_TO == "float16":
        product = product.to(tl.float16).to(tl.float32)

    # As integers the magnitudes of NaN are above infinity's, so a maximum never loses one.
    amax_bits = tl.max(bits_of(product) & 0x7FFFFFFF, axis=1)
    bound = tl.load(scale_ub, mask=has_bound != 0, other=float("inf"))
    bound = constant(1.0, amax_bits) * bound
    scale = group_scale(amax_bits, bound, MAXIMUM, MINIMUM_SCALE)
    reciprocal = tl.math.div_rn(constant(1.0, scale), scale)
    quotient = product * reciprocal[:, None]

    if ENCODER == "hardware_e4m3fn":
        codes = quotient.to(tl.float8e4nv).to(tl.uint8, bitcast=True)
    elif ENCODER == "packed":
        codes = encode_packed(quotient, MAXIMUM)
    elif ENCODER == "e4m3fn":
        codes = encode_e4m3(quotient, 7, MAXIMUM, False)
    elif ENCODER == "e4m3fnuz":
        codes = encode_e4m3(quotient, 8, MAXIMUM, True)
    else:
        codes = encode_int8(quotient)
    tl.store(out + token * out_row_stride + column, codes, mask=mask)
    place = scales + token * scale_token_stride + group.to(tl.int64) * scale_group_stride
    tl.store(place, scale, mask=group < num_groups)
