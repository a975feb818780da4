"""Call vLLM's own functions on experts' rows, and print whether they gave our bytes."""

from __future__ import annotations

import json
import sys

import torch
from vllm.plugins import load_general_plugins

import opparity
from opparity import Experts
from opparity.formats import RECIPES, ScaleLayout

ROWS, EXPERTS, TOP = 300, 3, 2
OFFSETS = torch.tensor([0, 130, 130, ROWS], dtype=torch.int32)
# Where each expert's tiles of 128 rows begin among the scales.
STARTS = torch.tensor([0, 256, 256, 512], dtype=torch.int32)
COUNTS = torch.tensor([10, 0, 4], dtype=torch.int32)


def same(found: torch.Tensor, exact: torch.Tensor) -> bool:
    copies = (each.clone(memory_format=torch.contiguous_format) for each in (found, exact))
    return torch.equal(*(copy.view(torch.uint8) for copy in copies))


def four_bits(said: dict[str, bool]) -> None:
    from vllm import _custom_ops  # noqa: PLC0415 -- after the plugins, as in an engine

    wide = torch.randn(ROWS, 1024, dtype=torch.bfloat16)
    scale = torch.tensor([40.0, 1.0, 80.0])
    experts = Experts.by_offsets(OFFSETS, STARTS)
    for kind, given in (("scaled_fp4", scale), ("mxfp4", None)):
        recipe = RECIPES[{"scaled_fp4": "nvfp4"}.get(kind, kind)]
        recipe = recipe.with_layout(ScaleLayout.SWIZZLE_128X4)
        for name, (exact_codes, exact_scales) in (
            (
                f"{kind}_experts_quant",
                opparity.quantize(wide, recipe, scale=given, experts=experts),
            ),
            (
                f"silu_and_mul_{kind}_experts_quant",
                opparity.silu_and_mul(
                    wide, recipe, scale=given, experts=experts, intermediate="product"
                ),
            ),
        ):
            function = getattr(_custom_ops, name)
            if given is None:
                codes, scales = function(wide, OFFSETS, STARTS, EXPERTS, TOP)
            else:
                codes, scales = function(wide, given, OFFSETS, STARTS, TOP)
            said[name] = same(codes, exact_codes) and tiles_are_same(scales, exact_scales)


def tiles_are_same(found: torch.Tensor, exact: torch.Tensor) -> bool:
    """Compare the scales of the experts' own rows; vLLM leaves the others as they were."""
    columns = exact.shape[1]
    # A tile has 32 x 4 rows, and four columns; a row's place in it is 16 * (row % 32) + row // 32.
    pairs = [
        (each.view(torch.uint8).reshape(-1)[: exact.numel()]).view(-1, columns // 4, 32, 4, 4)
        for each in (found, exact)
    ]
    by_row = [pair.permute(0, 3, 2, 1, 4).reshape(-1, columns) for pair in pairs]
    bounds = zip(OFFSETS.tolist(), OFFSETS.tolist()[1:], STARTS.tolist(), strict=False)
    return all(
        same(*(rows[start : start + last - first] for rows in by_row))
        for first, last, start in bounds
    )


def masked(said: dict[str, bool]) -> None:
    from vllm.model_executor.layers.fused_moe.experts import (  # noqa: PLC0415
        batched_deep_gemm_moe as batched,
    )
    from vllm.platforms import current_platform  # noqa: PLC0415

    class OnGpu:
        """The platform, except that it takes vLLM's way for CUDA, which has the operator."""

        def __getattr__(self, name: str) -> object:
            if name in ("is_cuda", "has_device_capability"):
                return lambda *_: True
            return getattr(current_platform, name)

    batched.current_platform = OnGpu()
    wide = torch.randn(EXPERTS, 16, 2048, dtype=torch.bfloat16)
    for kind, recipe in (("FLOAT32", "fp8_block"), ("UE8M0", "deepgemm")):
        codes, scales = batched.persistent_masked_m_silu_mul_quant(
            wide, COUNTS, quant_scale_fmt=batched.DeepGemmQuantScaleFMT[kind]
        )
        said[f"masked {kind}"] = all(
            same(codes[expert, :count], exact.values) and same(scales[expert, :count], exact.scales)
            for expert, count in enumerate(COUNTS.tolist())
            for exact in (
                opparity.silu_and_mul(wide[expert, :count], recipe, intermediate="input_dtype"),
            )
        )


def main() -> None:
    load_general_plugins()
    from opparity.integrations.vllm import calls  # noqa: PLC0415 -- after the plugins

    torch.manual_seed(0)
    said: dict[str, bool] = {}
    four_bits(said)
    masked(said)
    sys.stdout.write(f"\nRESULT {json.dumps([said, calls()])}\n")


if __name__ == "__main__":
    main()
