from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import opparity
from opparity.errors import ArgumentRefused
from opparity.nn import BlockFP8Linear, Int8Linear, Int8SwiGLU, RMSNorm, SwiGLU, ask_for_product

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = [SwiGLU, Int8SwiGLU]
# Of the layer below, wherever it runs.
GOLDEN = "dd1384ce35cf3c58adb5a5a479e079a478a3de18d9701df4be48799ce623c3a1"


def linears() -> tuple[nn.Linear, nn.Linear, nn.Linear]:
    return (
        nn.Linear(256, 384, bias=False),
        nn.Linear(256, 384, bias=False),
        nn.Linear(384, 256, bias=False),
    )


ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "silu_and_mul": functional.silu,
    "gelu_and_mul": functional.gelu,
    "gelu_tanh_and_mul": lambda gate: functional.gelu(gate, approximate="tanh"),
}


@pytest.mark.parametrize("producer", ACTIVATIONS)
@pytest.mark.parametrize(("kind", "error"), [(SwiGLU, 0.08), (Int8SwiGLU, 0.03)])
def test_it_is_near_the_mlp_that_it_was_made_of(
    kind: type[SwiGLU], error: float, producer: str
) -> None:
    gate, up, down = linears()
    input = torch.randn(7, 3, 256)
    expected = down(ACTIVATIONS[producer](gate(input)) * up(input))
    found = kind.from_linears(gate, up, down, producer=producer)(input)
    assert (found - expected).norm() <= error * expected.norm()
    # The error of one format is told from that of another.
    assert (found - expected).norm() > error / 10 * expected.norm()


def test_it_is_its_three_steps() -> None:
    mlp = Int8SwiGLU.from_linears(*linears())
    input = torch.randn(7, 256)
    middle = opparity.silu_and_mul(mlp.gate_up(input), "int8_token")
    assert torch.equal(mlp(input), mlp.down(middle))


def test_a_limited_activation_takes_its_number() -> None:
    made = [Int8Linear.from_linear(linear) for linear in linears()]
    gate_up = Int8Linear.stack(made[:2])
    mlp = SwiGLU(gate_up, made[2], producer="silu_and_mul_with_clamp", limit=0.1)
    input = torch.randn(7, 256)
    middle = opparity.silu_and_mul_with_clamp(gate_up(input), "int8_token", limit=0.1)
    assert torch.equal(mlp(input), made[2](middle))
    assert not torch.equal(mlp(input), SwiGLU(gate_up, made[2])(input))


@pytest.mark.parametrize("kind", KINDS)
def test_its_gradient_is_near_the_mlps(kind: type[SwiGLU]) -> None:
    gate, up, down = linears()
    first, second = (torch.randn(7, 256, requires_grad=True) for _ in range(2))
    with torch.no_grad():
        second.copy_(first)
    kind.from_linears(gate, up, down)(first).sum().backward()
    down(functional.silu(gate(second)) * up(second)).sum().backward()
    assert first.grad is not None
    assert second.grad is not None
    assert (first.grad - second.grad).norm() <= 0.08 * second.grad.norm()


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_compiles_to_the_same_bytes(kind: type[SwiGLU]) -> None:
    mlp = kind.from_linears(*(linear.bfloat16() for linear in linears()))
    norm = RMSNorm(torch.rand(256, dtype=torch.bfloat16), recipe=mlp.gate_up.activations)

    def layer(hidden: torch.Tensor, residual: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        quantized, sums = norm(hidden, residual)
        return mlp(quantized), sums

    hidden, residual = torch.randn(2, 5, 256, dtype=torch.bfloat16)
    compiled = torch.compile(layer, fullgraph=True)
    for found, expected in zip(compiled(hidden, residual), layer(hidden, residual), strict=True):
        assert torch.equal(found, expected)


def layer_digest(device: torch.device, dtype: torch.dtype = torch.bfloat16) -> str:
    """Return the SHA-256 of a norm and an int8 MLP over 40 tokens drawn on the CPU."""
    drawn = torch.Generator().manual_seed(20261129)
    shapes = ((384, 256), (384, 256), (256, 384))
    # Uniform numbers are the same on every machine; normal ones need a root and a logarithm.
    weights = [(torch.rand(shape, generator=drawn) - 0.5).to(dtype) for shape in shapes]
    hidden, residual = (torch.rand(2, 40, 256, generator=drawn) - 0.5).to(dtype).to(device)
    made = [Int8Linear.from_weight(weight.to(device)) for weight in weights]
    mlp = Int8SwiGLU(Int8Linear.stack(made[:2]), made[2])
    norm = RMSNorm(torch.rand(256, generator=drawn).to(dtype).to(device), recipe="int8_token")
    quantized, sums = norm(hidden, residual)
    digest = hashlib.sha256()
    for tensor in (mlp(quantized), sums):
        digest.update(tensor.cpu().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def test_the_bytes_of_an_int8_layer_are_the_golden_ones() -> None:
    assert layer_digest(torch.device("cpu")) == GOLDEN


@pytest.mark.gpu
def test_the_bytes_of_an_int8_layer_are_the_golden_ones_on_a_gpu() -> None:
    assert layer_digest(torch.device("cuda")) == GOLDEN


@pytest.mark.gpu
@pytest.mark.parametrize("tokens", [1, 2, 3, 4, 16, 17, 64, 1000])
def test_block_fp8_is_near_the_exact_product_on_a_gpu(tokens: int) -> None:
    linear = BlockFP8Linear.from_weight(torch.randn(384, 640).bfloat16()).cuda()
    input = torch.randn(tokens, 640, device="cuda").bfloat16()
    found = linear(input)
    ask_for_product(linear, "exact")
    exact = linear(input)
    assert (found - exact).abs().max() <= 2.0**-6 * exact.abs().max()
    on_cpu = linear.cpu()
    assert torch.equal(on_cpu(input.cpu()), exact.cpu())


def test_a_mistake_is_refused_in_words() -> None:
    made = [Int8Linear.from_linear(linear) for linear in linears()]
    with pytest.raises(ArgumentRefused, match="producer is 'rms_norm'; allowed: silu_and_mul"):
        SwiGLU(Int8Linear.stack(made[:2]), made[2], producer="rms_norm")
    plain: Any = nn.Linear(256, 512)
    with pytest.raises(ArgumentRefused, match="a layer is of type Linear; allowed: BlockFP8Linear"):
        SwiGLU(plain, plain)
    folder: Any = "model"
    with pytest.raises(ArgumentRefused, match=r"checkpoint is of type str.* pass Checkpoint\(fold"):
        SwiGLU.from_checkpoint(folder, "mlp")
    with pytest.raises(ArgumentRefused, match="gate_up makes 384 values and down reads 384"):
        SwiGLU(made[0], made[2])
    gate, up = nn.Linear(128, 256), nn.Linear(128, 512)
    with pytest.raises(ArgumentRefused, match="gate makes 256 values and up 512; allowed: as many"):
        SwiGLU.from_linears(gate, up, nn.Linear(384, 128))
