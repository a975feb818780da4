"""The reference quantisers of vLLM's tests, read from its sdist function by function.

`make crosschecks` fetches the sdist; nothing of vLLM is imported.
"""

from __future__ import annotations

import ast
import tarfile
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch

import opparity
from crosschecks.comparison import Comparison, Found, by_group, bytes_of, compare, nibbles
from crosschecks.inputs import eight_tensors, every_amax, normal, wide

VERSION = "0.33.0"
SDIST = Path(__file__).parents[2] / ".cache" / "sdists" / f"vllm-{VERSION}.tar.gz"
PEER = f"vLLM {VERSION}"
_UTILS = "vllm/model_executor/layers/quantization/utils"


@cache
def _names(path: str) -> dict[str, Any]:
    """Return a file's functions, classes and constants that need nothing but torch."""
    with tarfile.open(SDIST) as archive:
        member = archive.extractfile(f"vllm-{VERSION}/{path}")
        assert member is not None
        tree = ast.parse(member.read())
    found: dict[str, Any] = {
        "torch": torch,
        "FLOAT4_E2M1_MAX": 6.0,
        "FLOAT4_E2M1_MAX_RECIPROCAL": 1 / 6,
    }
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Assign)):
            if getattr(node, "decorator_list", []):
                continue
            code = compile(ast.Module([node], type_ignores=[]), path, "exec")
            try:
                exec(code, found)  # noqa: S102 -- a peer's function, to be compared with
            except (NameError, AttributeError):
                # It needs something of vLLM; what is compared here does not.
                continue
    return found


def _mxfp4_up() -> dict[str, Found]:
    """Compare with the indexer's reference, which rounds exponents up by log2."""
    quantise = _names("tests/kernels/test_fused_indexer_q_rope_quant.py")["quantize_to_mxfp4"]
    scales, codes = Found(0, 0, 0), Found(0, 0, 0)
    for input in (normal(), wide(), every_amax()[every_amax().isfinite().all(dim=1)]):
        values, exponents = quantise(input)
        ours = opparity.quantize(input, "float4_e2m1/32/float8_e8m0fnu/ceil/row_major")
        amax = input.abs().unflatten(1, (-1, 32)).amax(dim=2).float()
        # Its least amax is 6 · 2^-126, so its least code is 1.
        low = amax <= 6 * 2.0**-127
        scales += compare(ours.scales, exponents, low)
        codes += compare(nibbles(ours.values), nibbles(values), by_group(low, 32))
    return {"scales": scales, "codes": codes}


def _mxfp4_down() -> dict[str, Found]:
    """Compare with the CPU kernels' quantiser, which counts the bounds below a number."""
    quantise = _names("tests/kernels/moe/test_cpu_quant_fused_moe.py")["MXFP4QuantizeUtil"].quantize
    values, exponents = quantise(normal())
    ours = opparity.quantize(normal(), "float4_e2m1/32/float8_e8m0fnu/ceil/row_major")
    power = torch.exp2(exponents.float().view(ours.scales.shape) - 127)
    scaled = normal().float() / by_group(power, 32)
    tie = (scaled.abs()[..., None] == torch.tensor([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5])).any(-1)
    # The sign of a zero is taken for minus there.
    zero = scaled == 0
    return {
        "scales": compare(ours.scales, exponents),
        "codes": compare(nibbles(ours.values), nibbles(values), tie | zero),
    }


def _mxfp4_even() -> dict[str, Found]:
    """Compare with the reference for AMD's MXFP4, which quantises and restores."""
    round_trip = _names("tests/quantization/reference_mxfp4.py")["qdq_mxfp4_torch"]
    found = Found(0, 0, 0)
    for dtype in (torch.bfloat16, torch.float16):
        input = normal().to(dtype)
        ours = opparity.quantize(input, "mxfp4").dequantize(dtype)
        found += compare(ours, round_trip(input))
    return {"numbers": found}


def _nvfp4(path: str, *sizes: int) -> dict[str, Found]:
    names = _names(path)
    scales, codes = Found(0, 0, 0), Found(0, 0, 0)
    for input in eight_tensors():
        scale = torch.tensor(6.0 * 448.0) / input.abs().max().float()
        numbers, stored = names["ref_nvfp4_quant"](input, scale, *sizes)
        ours = opparity.quantize(input, "nvfp4", scale=scale)
        ones = torch.full_like(bytes_of(ours.scales), 0x38).view(torch.float8_e4m3fn)
        restored = opparity.Quantized(ours.values, ones, "nvfp4", torch.ones(())).dequantize()
        scales += compare(ours.scales, stored.to(torch.float8_e4m3fn))
        factor = by_group(scale.double() / ours.scales.double(), 16)
        scaled = (input.double() * factor).abs()
        ties = torch.tensor([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0], dtype=torch.float64)
        near = (scaled[..., None] - ties).abs().amin(dim=-1) <= 1e-6 * scaled
        # Its product with the sign makes zeros of either sign +0.
        codes += compare(restored + 0.0, numbers + 0.0, near)
    return {"scales": scales, "codes": codes}


def _nvfp4_restored() -> dict[str, Found]:
    names = _names("tests/kernels/quantization/nvfp4_utils.py")
    names["kE2M1ToFloat"] = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0])
    found = Found(0, 0, 0)
    for num_tokens in (1, 130):
        input, scale = normal()[:num_tokens], torch.tensor(300.0)
        ours = opparity.quantize(
            input, "float4_e2m1/16/float8_e4m3fn/global/swizzle_128x4", scale=scale
        )
        theirs = names["dequantize_nvfp4_to_dtype"](
            ours.values, ours.scales, scale, torch.float32, "cpu"
        )
        found += compare(ours.dequantize(), theirs)
    return {"numbers": found}


def _mxfp8(*, swizzled: bool) -> dict[str, Found]:
    quantise = _names(f"{_UTILS}/mxfp8_utils.py")["_mxfp8_e4m3_quantize_torch"]
    layout = "swizzle_128x4" if swizzled else "row_major"
    scales, codes = Found(0, 0, 0), Found(0, 0, 0)
    for input in (normal()[:130], wide()[:130, :1952].contiguous()):
        values, exponents = quantise(input, is_sf_swizzled_layout=swizzled)
        ours = opparity.quantize(input, f"float8_e4m3fn/32/float8_e8m0fnu/ceil/{layout}")
        scales += compare(ours.scales, exponents)
        codes += compare(ours.values, values)
    return {"scales": scales, "codes": codes}


def _groups(kind: str) -> dict[str, Found]:
    """Compare with the group quantisers in plain torch, which divide by the scale."""
    names = _names("tests/kernels/quant_utils.py") | {"is_deep_gemm_e8m0_used": lambda: False}
    quantise = names[f"native_per_token_group_quant_{kind}"]
    quantise.__globals__["is_deep_gemm_e8m0_used"] = lambda: False
    values, stored = quantise(normal(), 128)
    recipe = {"fp8": "fp8_block", "int8": "int8_block"}[kind]
    ours = opparity.quantize(normal(), recipe)
    quotient = normal().double() / by_group(stored.double(), 128)
    # A product and a quotient differ next to the middle of two codes.
    low, high = quotient * (1 - 1e-6), quotient * (1 + 1e-6)
    if kind == "int8":
        near = low.round() != high.round()
    else:
        near = low.to(torch.float8_e4m3fn).float() != high.to(torch.float8_e4m3fn).float()
    return {
        "scales": compare(ours.scales, stored),
        "codes": compare(ours.values, values, near),
    }


_DIVIDES = (
    "divided by the scale there, multiplied by its reciprocal here: numbers in the middle of "
)
COMPARISONS = (
    Comparison(
        PEER,
        "MXFP4 by ceil, quantize_to_mxfp4",
        _mxfp4_up,
        "its least amax is 6 · 2^-126, ours none",
    ),
    Comparison(
        PEER,
        "MXFP4 by ceil, MXFP4QuantizeUtil",
        _mxfp4_down,
        "the middle of two codes goes to the lower one there, and every zero becomes -0",
    ),
    Comparison(PEER, "MXFP4 by even, qdq_mxfp4_torch", _mxfp4_even),
    Comparison(
        PEER,
        "NVFP4, ref_nvfp4_quant of the tests",
        partial(_nvfp4, "tests/kernels/quantization/test_nvfp4_quant.py"),
        "its factor is 1 / (scale · (1 / S)), ours S / scale: numbers in the middle of two codes "
        "can fall to either",
    ),
    Comparison(
        PEER,
        "NVFP4, ref_nvfp4_quant of the emulation",
        partial(_nvfp4, f"{_UTILS}/nvfp4_emulation_utils.py", 16),
        "the same",
    ),
    Comparison(PEER, "NVFP4 restored, dequantize_nvfp4_to_dtype", _nvfp4_restored),
    Comparison(PEER, "MXFP8, _mxfp8_e4m3_quantize_torch", partial(_mxfp8, swizzled=False)),
    Comparison(PEER, "MXFP8 in tiles, the same", partial(_mxfp8, swizzled=True)),
    Comparison(
        PEER,
        "FP8 groups, native_per_token_group_quant_fp8",
        partial(_groups, "fp8"),
        f"{_DIVIDES}two codes can fall to either",
    ),
    Comparison(
        PEER,
        "int8 groups, native_per_token_group_quant_int8",
        partial(_groups, "int8"),
        f"{_DIVIDES}two codes can fall to either",
    ),
)
