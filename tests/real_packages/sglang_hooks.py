"""Load the plugin as SGLang does, call its functions through its own modules, print what came.

Usage: python sglang_hooks.py [DEVICE]
"""

from __future__ import annotations

import json
import sys

import torch
from sglang.srt.plugins import load_plugins

import opparity


def main() -> None:
    load_plugins()
    from sglang.kernels import KernelBackend, get_kernel  # noqa: PLC0415 -- after the plugins
    from sglang.kernels.ops.activation import silu_and_mul_clamp as contiguous  # noqa: PLC0415
    from sglang.kernels.ops.moe import dsv4  # noqa: PLC0415
    from sglang.kernels.ops.quantization import per_token_group_quant as group  # noqa: PLC0415

    from opparity.integrations.sglang import calls  # noqa: PLC0415

    torch.manual_seed(0)
    device = sys.argv[1] if len(sys.argv) > 1 else "cpu"
    x = torch.randn(2, 4, 1024, dtype=torch.bfloat16).to(device)
    values = torch.zeros(2, 4, 512, dtype=torch.float8_e4m3fn, device=device)
    scales = torch.zeros(2, 4, 4, device=device)
    counts = torch.tensor([3, 1], dtype=torch.int32, device=device)
    said: dict[str, object] = {}
    dsv4.silu_and_mul_masked_post_quant(x, values, scales, 128, counts)
    exact = opparity.silu_and_mul(x[0, :3], "fp8_block")
    said["masked"] = torch.equal(scales[0, :3], exact.scales) and torch.equal(
        values[0, :3].view(torch.uint8), exact.values.view(torch.uint8)
    )
    said["written"] = int((scales != 0).sum())
    contiguous.silu_and_mul_contig_post_quant(x[0], values[0], scales[0], 128, swiglu_limit=1.0)
    limited = opparity.silu_and_mul_with_clamp(x[0], "fp8_block", limit=1.0)
    said["contiguous"] = torch.equal(scales[0], limited.scales)
    codes, found = group.per_token_group_quant(x[1], group_size=64, fuse_silu_and_mul=True)
    fused = opparity.silu_and_mul(x[1], "fp8_block_64")
    said["group"] = torch.equal(found, fused.scales) and torch.equal(
        codes.view(torch.uint8), fused.values.view(torch.uint8)
    )
    said["calls"] = calls()
    kernel = get_kernel("moe.silu_and_mul_masked_post_quant", KernelBackend.PLUGIN)
    said["registered"] = f"{kernel.__module__}.{kernel.__name__}"
    sys.stdout.write(f"\nRESULT {json.dumps(said)}\n")


if __name__ == "__main__":
    main()
