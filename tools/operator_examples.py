"""Each producer in plain torch, as the pages of operators show it before it is fused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.operators import general_name

if TYPE_CHECKING:
    from opparity.operators.declaration import Producer

# The product of float32 numbers, by lines; gated ones have `gate` and `up`, the others `x`.
EAGER: dict[str, tuple[str, ...]] = {
    "identity": ("product = x",),
    "silu_and_mul": ("product = functional.silu(gate) * up",),
    "silu_and_mul_with_clamp": (
        "product = functional.silu(gate.clamp(max=10)) * up.clamp(-10, 10)",
    ),
    "swigluoai_and_mul": (
        "limited = gate.clamp(max=7)",
        "product = limited * torch.sigmoid(1.702 * limited) * (up.clamp(-7, 7) + 1)",
    ),
    "situ_and_mul": (
        "soft = 4 * torch.tanh(gate / 4) * torch.sigmoid(gate)",
        "product = soft * 25 * torch.tanh(up / 25)",
    ),
    "swiglustep_and_mul": ("product = functional.silu(gate).clamp(max=7) * up.clamp(-7, 7)",),
    "gelu_and_mul": ("product = functional.gelu(gate) * up",),
    "gelu_tanh_and_mul": ('product = functional.gelu(gate, approximate="tanh") * up',),
    "relu_squared": ("product = functional.relu(x).square()",),
    "rms_norm": (
        "factor = torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)",
        "product = x * factor * weight.float()",
    ),
    "gated_rms_norm": (
        "factor = torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)",
        "product = x * factor * weight.float() * functional.silu(gate.float())",
    ),
    "gelu_quick": ("product = x * torch.sigmoid(1.702 * x)",),
}
# What a call has behind its input.
_ARGUMENTS = {
    "silu_and_mul_with_clamp": 'hidden, "fp8_block", limit=10',
    "rms_norm": 'hidden, weight, "fp8_block"',
    "gated_rms_norm": 'hidden, gate, weight, "fp8_block"',
}


def before(producer: Producer) -> str:
    """Return a model's own code for a producer and FP8 by blocks, as separate operations."""
    width = "2 * 512" if producer.gated else "512"
    lines = ["import torch"]
    if any("functional." in line for line in EAGER[producer.name]):
        lines.append("from torch.nn import functional")
    note = "  # gate, then up" if producer.gated else ""
    lines += ["", "torch.manual_seed(0)"]
    lines.append(f"hidden = torch.randn(4, {width}, dtype=torch.bfloat16){note}")
    if producer.reduces:
        lines.append("weight = torch.rand(512, dtype=torch.bfloat16)")
    if producer.takes_gate:
        lines.append("gate = torch.randn(4, 512, dtype=torch.bfloat16)")
    taken = "gate, up = hidden.float().chunk(2, dim=-1)" if producer.gated else "x = hidden.float()"
    lines += ["", taken, *EAGER[producer.name]]
    lines += [
        "groups = product.unflatten(-1, (-1, 128))",
        "scales = groups.abs().amax(dim=-1) / 448",
        "values = (groups / scales[..., None]).flatten(-2).to(torch.float8_e4m3fn)",
    ]
    return "\n".join(lines)


def after(producer: Producer) -> str:
    """Return the fused call, and how near it is to what stands before."""
    call = _ARGUMENTS.get(producer.name, 'hidden, "fp8_block"')
    return "\n".join(
        [
            "import opparity",
            "",
            f"fused = opparity.{general_name(producer)}({call})",
            "print(fused.values.shape)  # torch.Size([4, 512])",
            "print(fused.scales.shape)  # torch.Size([4, 4])",
            "print(torch.allclose(fused.scales, scales, rtol=1e-5))  # True",
            "same = fused.values.view(torch.uint8) == values.view(torch.uint8)",
            "print(bool(same.float().mean() > 0.99))  # True",
        ]
    )
