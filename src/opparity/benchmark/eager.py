"""What engines compute before anything is fused: plain torch, in float32 or the input's dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from opparity.formats import ScaleRule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from opparity.formats import Recipe, ValueFormat

# name of a producer -> its function of gate, up and parameters; where there is no up it is gate.
PRODUCERS: Mapping[str, Callable[[Tensor, Tensor, Sequence[float]], Tensor]] = {
    "identity": lambda gate, _, __: gate,
    "silu_and_mul": lambda gate, up, _: functional.silu(gate) * up,
    "silu_and_mul_with_clamp": lambda gate, up, p: (
        functional.silu(gate.clamp(max=p[0])) * up.clamp(-p[0], p[0])
    ),
    "swigluoai_and_mul": lambda gate, up, p: (
        gate.clamp(max=p[1])
        * torch.sigmoid(p[0] * gate.clamp(max=p[1]))
        * (up.clamp(-p[1], p[1]) + p[2])
    ),
    "situ_and_mul": lambda gate, up, p: (
        p[0] * torch.tanh(gate / p[0]) * torch.sigmoid(gate) * p[1] * torch.tanh(up / p[1])
    ),
    "swiglustep_and_mul": lambda gate, up, p: (
        functional.silu(gate).clamp(max=p[0]) * up.clamp(-p[0], p[0])
    ),
    "gelu_and_mul": lambda gate, up, _: functional.gelu(gate) * up,
    "gelu_tanh_and_mul": lambda gate, up, _: functional.gelu(gate, approximate="tanh") * up,
    "relu_squared": lambda gate, _, __: functional.relu(gate).square(),
    "gelu_quick": lambda gate, _, p: gate * torch.sigmoid(p[0] * gate),
}


def rms_norm(input: Tensor, weight: Tensor, parameters: Sequence[float]) -> Tensor:
    """Return torch's norm, in the input's dtype; the numbers are epsilon and the offset."""
    epsilon, offset = parameters
    scale = weight.to(input.dtype) + offset
    return functional.rms_norm(input, (input.shape[-1],), scale, eps=epsilon)


def quantise(
    products: Tensor, recipe: Recipe, scale: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """Return values and scales of float32 products [num_tokens, hidden_size]."""
    facts = recipe.format
    if facts is None:
        return products, None
    if recipe.group_size is None:
        assert scale is not None
        return _cast(products / scale, recipe), None
    groups = products.unflatten(-1, (-1, recipe.group_in(products.shape[-1])))
    amax = groups.abs().amax(dim=-1)
    if recipe.rule is ScaleRule.AMAX:
        scales = (amax / facts.maximum).clamp_min(facts.minimum_scale)
        return _cast((groups / scales.unsqueeze(-1)).flatten(-2), recipe), scales
    if recipe.rule is ScaleRule.GLOBAL:
        assert scale is not None
        scales = (amax * (scale / facts.maximum)).to(torch.float8_e4m3fn)
        factors = scale / scales.float()
        return _cast((groups * factors.unsqueeze(-1)).flatten(-2), recipe), scales
    exponents = _exponents(amax, recipe, facts).clamp(-127, 127)
    values = _cast((groups * torch.exp2(-exponents).unsqueeze(-1)).flatten(-2), recipe)
    return values, (exponents + 127).to(torch.uint8)


def _exponents(amax: Tensor, recipe: Recipe, facts: ValueFormat) -> Tensor:
    """Return a group's exponent by logarithms, as engines' own code has it."""
    if recipe.rule is ScaleRule.CEIL:
        return torch.ceil(torch.log2(amax / facts.maximum))
    assert facts.exponent is not None
    if recipe.rule is ScaleRule.EVEN:
        # From here on the digits that the format has round up to the next power of two.
        amax = amax / (1 - 0.5 ** (facts.mantissa_bits + 2))
    return torch.floor(torch.log2(amax)) - facts.exponent


def _cast(quotients: Tensor, recipe: Recipe) -> Tensor:
    facts = recipe.format
    assert facts is not None
    limited = quotients.clamp(facts.lowest, facts.maximum)
    if facts.name == "float4_e2m1":
        return _pack(limited)
    if facts.name == "int8":
        limited = limited.round()
    return limited.to(getattr(torch, facts.name))


def _pack(limited: Tensor) -> Tensor:
    """Return e2m1 codes, two a byte, by the seven bounds between its magnitudes."""
    bounds = torch.tensor([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0], device=limited.device)
    codes = torch.bucketize(limited.abs(), bounds).to(torch.uint8)
    codes = codes | ((limited < 0).to(torch.uint8) << 3)
    pairs = codes.unflatten(-1, (-1, 2))
    low, high = pairs.unbind(dim=-1)
    packed: Tensor = low | (high << 4)
    return packed
