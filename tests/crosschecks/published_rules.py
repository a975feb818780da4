"""Rules that projects publish in CUDA, written down here in NumPy from their descriptions.

DeepGEMM packs the exponents of four groups in a word, columns padded to 16 bytes.
TransformerEngine's MXFP8 scale is the exponent of amax / maximum, rounded up; its NVFP4 scale is
amax times the rounded product of the global scale and 1/6, its factor a double reciprocal.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor

import opparity
from crosschecks.comparison import Comparison, Found, bytes_of, compare, nibbles
from crosschecks.inputs import eight_tensors, every_amax, near_powers, normal, wide
from opparity.formats import VALUE_FORMATS

DEEPGEMM, TRANSFORMER_ENGINE = "DeepGEMM's layout", "TransformerEngine's rules"


def _packed() -> dict[str, Found]:
    """Compare words, byte by byte from the definition."""
    found = Found(0, 0, 0)
    for num_tokens, width, group_size in ((1, 7168, 128), (3, 640, 128), (130, 2048, 32)):
        input = wide().repeat(1, 4)[:num_tokens, :width].contiguous()
        ours = opparity.quantize(input, f"float8_e4m3fn/{group_size}/float8_e8m0fnu/ceil/packed")
        codes = bytes_of(
            opparity.quantize(
                input, f"float8_e4m3fn/{group_size}/float8_e8m0fnu/ceil/row_major"
            ).scales
        )
        num_words = -(-codes.shape[1] // 4)
        assert ours.scales.shape == (num_tokens, num_words)
        assert num_words == 1 or ours.scales.stride() == (1, -(-num_tokens // 4) * 4)
        words = np.zeros((num_tokens, num_words), dtype=np.uint32)
        for group in range(codes.shape[1]):
            words[:, group // 4] |= codes[:, group].numpy().astype(np.uint32) << (8 * (group % 4))
        found += compare(ours.scales, torch.from_numpy(words.view(np.int32)))
    return {"words": found}


def _rounded_up(amax: Tensor, maximum: float) -> Tensor:
    """Return the exponent codes of amax / maximum, rounded up; NaN 255, infinity 254."""
    quotient = (amax.numpy() / np.float32(maximum)).astype(np.float32)
    bits = quotient.view(np.uint32)
    field, rest = bits >> 23, bits & 0x7FFFFF
    # A subnormal quotient up to 2^-127 has the least code.
    carries = (rest > 0) & ~((field == 0) & (rest <= 1 << 22))
    codes = np.where(np.isnan(quotient), 255, np.where(np.isinf(quotient), 254, field + carries))
    return torch.from_numpy(codes.astype(np.uint8))


def _mx(value: str) -> dict[str, Found]:
    scales, codes = Found(0, 0, 0), Found(0, 0, 0)
    maximum = VALUE_FORMATS[value].maximum
    for input in (normal(), wide(), every_amax(), near_powers(maximum)):
        amax = input.abs().unflatten(1, (-1, 32)).amax(dim=2).float()
        expected = _rounded_up(amax, maximum)
        ours = opparity.quantize(input, f"{value}/32/float8_e8m0fnu/ceil/row_major")
        scales += compare(ours.scales, expected)
        # The factor is 2^(127 - code), which is subnormal for 254; NaN for 255.
        factor = torch.exp2(127.0 - expected.double()).float()
        factor = torch.where(expected == 255, torch.nan, factor)
        scaled = input.float() * factor.repeat_interleave(32, dim=1)
        # As hardware converts: saturating, and NaN canonical.
        theirs = bytes_of(scaled.clamp(-maximum, maximum).to(getattr(torch, value)))
        theirs = torch.where(scaled.isnan(), VALUE_FORMATS[value].nan_code, theirs)
        codes += compare(bytes_of(ours.values), theirs)
    return {"scales": scales, "codes": codes}


def _nvfp4(*, doubly: bool) -> dict[str, Found]:
    """Compare NVFP4, by one division of the global scale or by two reciprocals."""
    scales, codes = Found(0, 0, 0), Found(0, 0, 0)
    for input in eight_tensors():
        found = _nvfp4_of(input, doubly=doubly)
        scales, codes = scales + found["scales"], codes + found["codes"]
    return {"scales": scales, "codes": codes}


def _nvfp4_of(input: Tensor, *, doubly: bool) -> dict[str, Found]:
    amax = input.abs().unflatten(1, (-1, 16)).amax(dim=2).float()
    scale = torch.tensor(6.0 * 448.0) / input.abs().max().float()
    ours = opparity.quantize(input, "nvfp4", scale=scale)
    sixth = torch.tensor(1.0) / torch.tensor(6.0)
    stored = (amax * (scale * sixth)).clamp(max=448.0).to(torch.float8_e4m3fn)
    number = stored.float()
    factor = 1.0 / (number * (1.0 / scale)) if doubly else scale / number
    factor = torch.where(number == 0, 0.0, factor)
    scaled = input.float() * factor.repeat_interleave(16, dim=1)
    ties = torch.tensor([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0])
    low, high = torch.bucketize(scaled.abs(), ties), torch.bucketize(scaled.abs(), ties, right=True)
    # Between two codes the even one is nearest.
    codes = torch.where(low % 2 == 0, low, high)
    codes = codes.to(torch.uint8) | (scaled.signbit().to(torch.uint8) << 3)
    near = (scaled.abs()[..., None] - ties).abs().amin(dim=-1) <= 1e-6 * scaled.abs()
    known = near if doubly else torch.zeros((), dtype=torch.bool)
    return {
        "scales": compare(ours.scales, stored),
        "codes": compare(nibbles(ours.values), codes, known),
    }


COMPARISONS = (
    Comparison(DEEPGEMM, "packed exponents, three shapes", _packed),
    *(
        Comparison(
            TRANSFORMER_ENGINE, f"MXFP8, {value}: every input of this page", partial(_mx, value)
        )
        for value in ("float8_e4m3fn", "float8_e5m2")
    ),
    Comparison(
        TRANSFORMER_ENGINE,
        "NVFP4 with the global scale divided by the group's",
        partial(_nvfp4, doubly=False),
    ),
    Comparison(
        TRANSFORMER_ENGINE,
        "NVFP4 with two reciprocals, as published",
        partial(_nvfp4, doubly=True),
        "its factor is 1 / (scale · (1 / S)), ours S / scale: numbers in the middle of two codes "
        "can fall to either",
    ),
)
