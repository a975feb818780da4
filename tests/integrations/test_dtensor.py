from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import torch
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor

import opparity
from opparity.integrations.dtensor import register
from opparity.nn import Int8Linear, Int8SwiGLU
from opparity.operators import PRODUCERS, functions, general_name, norm_functions
from two_processes import PROCESSES, mesh, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor
    from torch.distributed.device_mesh import DeviceMesh
    from torch.distributed.tensor.placement_types import Placement

TOKENS, WIDTH = 256, 512
RECIPES = [
    "none",
    "fp8_block",
    "mxfp8",
    "mxfp4",
    "int8_token",
    "float8_e4m3fn/128/ue8m0_float32/ceil/column_major_padded",
    "float8_e4m3fn/128/float8_e8m0fnu/ceil/packed",
    "float8_e4m3fn/32/float8_e8m0fnu/ceil/swizzle_128x4",
]
NUMBERS = {"silu_and_mul_with_clamp": {"limit": 7.0}}


def calls() -> dict[str, Callable[..., opparity.Quantized]]:
    found: dict[str, Callable[..., opparity.Quantized]] = {}
    for row in PRODUCERS:
        name = general_name(row)
        function = getattr(norm_functions if row.reduces else functions, name)
        found[name] = function
    return found


def sharded(tensor: Tensor, devices: DeviceMesh, placement: Placement) -> DTensor:
    return distribute_tensor(tensor, devices, [placement])


def share(whole: Tensor, rank: int, dimension: int) -> Tensor:
    return whole.chunk(PROCESSES, dimension)[rank]


def bytes_of(tensor: Tensor) -> bytes:
    # Flat, since a single column's stride may be anything.
    return tensor.reshape(-1).clone().view(torch.uint8).cpu().numpy().tobytes()


def assert_share(found: object, whole: Tensor, rank: int, dimension: int) -> None:
    """Fail unless a distributed tensor holds this process's share of the whole, byte for byte."""
    assert isinstance(found, DTensor)
    local, expected = found.to_local(), share(whole, rank, dimension)
    assert local.shape == expected.shape
    assert bytes_of(local) == bytes_of(expected)


def every_operator_on_shared_tokens(rank: int) -> None:
    devices = mesh()
    input, gate = torch.randn(2, TOKENS, WIDTH).bfloat16()
    weight = torch.rand(WIDTH).bfloat16()
    for name, function in calls().items():
        tensors: list[Tensor] = [input]
        if name == "gated_rms_norm":
            tensors.append(gate)
        extra = [weight] if "norm" in name else []
        for recipe in RECIPES[name == "quantize" :]:
            numbers = NUMBERS.get(name, {})
            whole = function(*tensors, *extra, recipe, **numbers)
            found = function(
                *(sharded(tensor, devices, Shard(0)) for tensor in tensors),
                *(sharded(tensor, devices, Replicate()) for tensor in extra),
                recipe,
                **numbers,
            )
            if recipe == "none":
                assert_share(found, whole, rank, 0)  # type: ignore[arg-type]
                continue
            for part, expected in zip(found, whole, strict=True):
                assert_share(part, expected, rank, 0)


def a_residual_on_shared_tokens(rank: int) -> None:
    devices = mesh()
    input, residual = torch.randn(2, TOKENS, WIDTH).bfloat16()
    whole, whole_sum = opparity.add_rms_norm(input, residual, None, "fp8_block")
    found, found_sum = opparity.add_rms_norm(
        sharded(input, devices, Shard(0)), sharded(residual, devices, Shard(0)), None, "fp8_block"
    )
    assert_share(found.values, whole.values, rank, 0)
    assert_share(found.scales, whole.scales, rank, 0)
    assert_share(found_sum, whole_sum, rank, 0)


def whole_groups_on_shared_columns(rank: int) -> None:
    devices = mesh()
    input = torch.randn(TOKENS, 1024).bfloat16()
    for function in (opparity.quantize, opparity.relu_squared):
        for recipe in ("fp8_block", "mxfp4", "float8_e4m3fn/128/float8_e8m0fnu/ceil/packed"):
            whole = function(input, recipe)
            found = function(sharded(input, devices, Shard(1)), recipe)
            for part, expected in zip(found, whole, strict=True):
                assert_share(part, expected, rank, 1)


REFUSED = [
    ("silu_and_mul", (8, 512), 1, "fp8_block", "it holds gate and up"),
    ("rms_norm", (8, 512), 1, "fp8_block", "a norm sums whole rows"),
    ("quantize", (8, 512), 1, "int8_token", "has one scale for a whole row"),
    ("quantize", (8, 640), 1, "fp8_block", "640 columns are sharded over 2 devices; .* 256 in all"),
    (
        "quantize",
        (8, 1024 + 256),
        1,
        "float8_e4m3fn/128/float8_e8m0fnu/ceil/packed",
        "a multiple of 512 columns on each, 1024 in all",
    ),
    (
        "quantize",
        (192, 512),
        0,
        "float8_e4m3fn/32/float8_e8m0fnu/ceil/swizzle_128x4",
        "192 tokens are sharded over 2 devices; .* a multiple of 128 tokens on each, 256 in all",
    ),
]


def what_would_be_gathered_is_refused(rank: int) -> None:
    del rank
    devices = mesh()
    for name, shape, dimension, recipe, words in REFUSED:
        input = sharded(torch.randn(shape).bfloat16(), devices, Shard(dimension))
        arguments = (None, recipe) if name == "rms_norm" else (recipe,)
        with pytest.raises(RuntimeError) as error:
            calls()[name](input, *arguments)
        assert re.search(words, str(error.value)), str(error.value)
    opparity.load()
    input = sharded(torch.randn(8, 512).bfloat16(), devices, Shard(0))
    written = [
        sharded(whole, devices, Shard(0))
        for whole in opparity.silu_and_mul(torch.randn(8, 512), "int8_token")
    ]
    with pytest.raises(RuntimeError, match="call opparity's function, which returns new ones"):
        torch.ops.opparity.silu_and_mul.out(
            input, "int8_token", values=written[0], scales=written[1]
        )


def gradients_stay_on_their_devices(rank: int) -> None:
    devices = mesh()
    drawn = torch.randn(TOKENS, WIDTH)
    steps: list[Callable[[Tensor], Tensor]] = [
        opparity.silu_and_mul,
        lambda input: opparity.silu_and_mul(input, "fp8_block").dequantize(),
    ]
    for step in steps:
        whole = drawn.clone().requires_grad_()
        (step(whole) ** 2).sum().backward()
        assert whole.grad is not None
        found = sharded(drawn, devices, Shard(0)).requires_grad_()
        (step(found) ** 2).sum().backward()
        assert_share(found.grad, whole.grad, rank, 0)


def gradients_of_norms_stay_on_their_devices(rank: int) -> None:
    devices = mesh()
    drawn, weight = torch.randn(TOKENS, WIDTH), torch.rand(WIDTH)
    whole, factor = drawn.clone().requires_grad_(), weight.clone().requires_grad_()
    (opparity.rms_norm(whole, factor) ** 2).sum().backward()
    found = sharded(drawn, devices, Shard(0)).requires_grad_()
    found_factor = sharded(weight, devices, Replicate()).requires_grad_()
    (opparity.rms_norm(found, found_factor) ** 2).sum().backward()
    assert whole.grad is not None
    assert factor.grad is not None
    assert isinstance(found_factor.grad, DTensor)
    assert_share(found.grad, whole.grad, rank, 0)
    # A sum over both devices, in another order than that of one.
    assert torch.allclose(found_factor.grad.full_tensor(), factor.grad, rtol=1e-4, atol=1e-3)


def whole_experts_on_each_device(rank: int) -> None:
    devices = mesh()
    input = torch.randn(4, 8, WIDTH).bfloat16()
    counts = torch.tensor([3, 8, 0, 5], dtype=torch.int32)
    weights, split = torch.randn(4, 8), Shard(0)
    masked = opparity.Experts.masked(counts)
    shared = opparity.Experts.masked(sharded(counts, devices, split))
    weighted = shared.weighted(sharded(weights, devices, split))
    for own, of_all in ((shared, masked), (weighted, masked.weighted(weights))):
        whole = opparity.silu_and_mul(input, "fp8_block", experts=of_all)
        found = opparity.silu_and_mul(sharded(input, devices, split), "fp8_block", experts=own)
        for part, expected in zip(found, whole, strict=True):
            assert isinstance(part, DTensor)
            for expert, count in enumerate(counts.chunk(PROCESSES)[rank].tolist()):
                one = expected.chunk(PROCESSES)[rank][expert, :count]
                assert bytes_of(part.to_local()[expert, :count]) == bytes_of(one)
    over_tokens = shared.weighted(sharded(weights, devices, Shard(1)))
    with pytest.raises(RuntimeError, match="row_weights is sharded by S"):
        opparity.quantize(sharded(input, devices, split), "fp8_block", experts=over_tokens)
    ends = opparity.Experts.by_ends(sharded(counts, devices, Replicate()))
    with pytest.raises(RuntimeError, match="for masked experts Shard"):
        opparity.quantize(sharded(input[0], devices, Shard(0)), "fp8_block", experts=ends)


def columns_on_shared_tokens(rank: int) -> None:
    devices = mesh()
    input = torch.randn(TOKENS, WIDTH).bfloat16()
    rows, columns = opparity.rows_and_columns(input, "fp8_block", producer="silu_and_mul")
    shared = sharded(input, devices, Shard(0))
    found, found_columns = opparity.rows_and_columns(shared, "fp8_block", producer="silu_and_mul")
    for part, expected in zip(found, rows, strict=True):
        assert_share(part, expected, rank, 0)
    for part, expected in zip(found_columns, columns, strict=True):
        assert_share(part, expected, rank, 1)
    with pytest.raises(RuntimeError, match="a multiple of 128 tokens on each, 256 in all"):
        opparity.rows_and_columns(sharded(input[:192], devices, Shard(0)), "fp8_block")


def quantised_gradients_on_shared_tokens(rank: int) -> None:
    devices = mesh()
    input, gradient = torch.randn(TOKENS, 2 * WIDTH).bfloat16(), torch.randn(TOKENS, WIDTH)
    # As wide as its gradient, an input that is not gated may be shared by whole groups.
    plain = torch.randn(TOKENS, WIDTH)

    def quantised(
        placement: Placement | None, recipe: str, producer: str, of: Tensor
    ) -> opparity.Quantized:
        given = [gradient, of]
        if placement is not None:
            given = [sharded(each, devices, placement) for each in given]
        return opparity.quantize_gradient(given[0], given[1], recipe, producer=producer)

    for dimension, recipe, producer, of in (
        (0, "fp8_block", "silu_and_mul", input),
        (0, "mxfp4", "silu_and_mul", input),
        (1, "fp8_block", "relu_squared", plain),
    ):
        whole = quantised(None, recipe, producer, of)
        found = quantised(Shard(dimension), recipe, producer, of)
        for part, expected in zip(found, whole, strict=True):
            assert_share(part, expected, rank, dimension)
    with pytest.raises(RuntimeError, match="it holds gate and up"):
        quantised(Shard(1), "fp8_block", "silu_and_mul", input)
    both = opparity.gradient_rows_and_columns(gradient, input, "mxfp8", producer="silu_and_mul")
    shared, shared_input = (sharded(each, devices, Shard(0)) for each in (gradient, input))
    found_both = opparity.gradient_rows_and_columns(
        shared, shared_input, "mxfp8", producer="silu_and_mul"
    )
    for dimension, (whole, found) in enumerate(zip(both, found_both, strict=True)):
        for part, expected in zip(found, whole, strict=True):
            assert_share(part, expected, rank, dimension)


def recipes_do_not_share_a_cached_answer(rank: int) -> None:
    devices = mesh()
    input = torch.randn(TOKENS, WIDTH).bfloat16()
    shared = sharded(input, devices, Shard(0))
    for recipe in ("fp8_block", "int8_token", "mxfp4", "fp8_block"):
        found, whole = opparity.quantize(shared, recipe), opparity.quantize(input, recipe)
        assert found.values.dtype == whole.values.dtype
        assert_share(found.scales, whole.scales, rank, 0)


def a_linear_layer_on_shared_tokens(rank: int) -> None:
    register()
    devices = mesh()
    input = torch.randn(TOKENS, WIDTH)
    linear = Int8Linear.from_weight(torch.randn(96, WIDTH), torch.randn(96))
    whole = linear(input)
    for name, tensor in list(linear.named_buffers()):
        setattr(linear, name, sharded(tensor, devices, Replicate()))
    assert_share(linear(sharded(input, devices, Shard(0))), whole, rank, 0)


def sums_on_shared_tokens(rank: int) -> None:
    devices, split, whole = mesh(), Shard(0), Replicate()
    sums = (torch.randn(TOKENS, WIDTH) * 30_000).int()
    of_tokens, of_columns = torch.rand(TOKENS, 1), torch.rand(WIDTH, 1)
    own = opparity.Sums(
        sharded(of_tokens, devices, split), sharded(of_columns, devices, whole), torch.float16
    )
    of_all = opparity.Sums(of_tokens, of_columns, torch.float16)
    for function in (opparity.silu_and_mul, opparity.quantize):
        found = function(sharded(sums, devices, split), "int8_token", sums=own)
        expected = function(sums, "int8_token", sums=of_all)
        for part, one in zip(found, expected, strict=True):
            assert_share(part, one, rank, 0)
    with pytest.raises(RuntimeError, match="its columns' scales are on each device as a whole"):
        opparity.quantize(sharded(sums, devices, Shard(1)), "fp8_block", sums=own)


def an_mlp_on_shared_tokens(rank: int) -> None:
    register()
    devices = mesh()
    input = torch.randn(TOKENS, WIDTH).bfloat16()
    mlp = Int8SwiGLU(
        Int8Linear.from_weight(torch.randn(192, WIDTH).bfloat16()),
        Int8Linear.from_weight(torch.randn(64, 96).bfloat16()),
    )
    whole = mlp(input)
    for linear in (mlp.gate_up, mlp.down):
        for name, tensor in list(linear.named_buffers()):
            setattr(linear, name, sharded(tensor, devices, Replicate()))
    assert_share(mlp(sharded(input, devices, Shard(0))), whole, rank, 0)


SCENARIOS = (
    every_operator_on_shared_tokens,
    a_residual_on_shared_tokens,
    whole_groups_on_shared_columns,
    what_would_be_gathered_is_refused,
    gradients_stay_on_their_devices,
    gradients_of_norms_stay_on_their_devices,
    whole_experts_on_each_device,
    columns_on_shared_tokens,
    quantised_gradients_on_shared_tokens,
    recipes_do_not_share_a_cached_answer,
    a_linear_layer_on_shared_tokens,
    sums_on_shared_tokens,
    an_mlp_on_shared_tokens,
)


def test_two_processes() -> None:
    run(*SCENARIOS)


@pytest.mark.gpu
@pytest.mark.usefixtures("two_gpus")
def test_two_gpus() -> None:
    run(*SCENARIOS, device="cuda")
