from __future__ import annotations

import os
import platform
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import opparity
from opparity.errors import ArgumentRefused
from opparity.nn import (
    BlockFP8Linear,
    Int8Linear,
    MXFP8Linear,
    QuantizedLinear,
    RMSNorm,
    TrainedLinear,
    ask_for_product,
)
from opparity.nn.products import PRODUCTS, int8
from opparity.nn.products.dequantised import spread

KINDS: list[type[QuantizedLinear]] = [BlockFP8Linear, MXFP8Linear, Int8Linear]
DTYPES = [torch.bfloat16, torch.float16, torch.float32]

ALL_CHECKS = (
    "test_schema",
    "test_autograd_registration",
    "test_faketensor",
    "test_aot_dispatch_dynamic",
)
# torch's check of a schema compares arguments by a product that it has not for FP8 on a CPU.
CHECKS = {"int8_token": ALL_CHECKS, "fp8_block": ALL_CHECKS[1:], "mxfp8": ALL_CHECKS[1:]}


def made(
    kind: type[QuantizedLinear], rows: int, columns: int, *, bias: bool = False
) -> QuantizedLinear:
    return kind.from_linear(nn.Linear(columns, rows, bias=bias))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("tokens", "rows", "columns"), [(1, 7, 129), (5, 256, 384), (33, 64, 1000)]
)
def test_int8_is_the_exact_sum_scaled_in_the_contracts_order(
    tokens: int, rows: int, columns: int, dtype: torch.dtype
) -> None:
    linear = Int8Linear.from_weight(torch.randn(rows, columns), torch.randn(rows), dtype=dtype)
    values, scales = opparity.quantize(torch.randn(tokens, columns), "int8_token")
    sums = values.numpy().astype(np.int64) @ linear.weight.numpy().astype(np.int64).T
    scaled = sums.astype(np.float32) * scales.numpy()
    scaled = scaled * linear.weight_scales.numpy().T
    assert linear.bias is not None
    expected = torch.from_numpy(scaled).to(dtype) + linear.bias
    found = linear(opparity.Quantized(values, scales, "int8_token"))
    assert found.dtype == dtype
    assert torch.equal(found, expected)


def test_int8_sums_at_the_widest_and_most_extreme_do_not_overflow() -> None:
    width = int8.LARGEST_WIDTH
    values = torch.full((2, width), -128, dtype=torch.int8)
    assert int8.exact_product(values, values).unique().tolist() == [128 * 128 * width]
    with pytest.raises(ArgumentRefused, match="in_features is 131072; allowed: up to 131,071"):
        Int8Linear(torch.zeros(1, width + 1, dtype=torch.int8), torch.ones(1, 1))


@pytest.mark.parametrize("code", [127, -128])
@pytest.mark.parametrize(("tokens", "width", "rows"), [(1, 1, 1), (3, 1024, 5), (2, 5000, 3)])
def test_int8_sums_by_float32_are_exact_at_the_extremes(
    tokens: int, width: int, rows: int, code: int
) -> None:
    values = torch.full((tokens, width), -128, dtype=torch.int8)
    weight = torch.full((rows, width), code, dtype=torch.int8)
    found = int8.sums_by_float32(values, weight)
    assert found.dtype == torch.int32
    assert found.tolist() == [[-128 * code * width] * rows] * tokens


@pytest.mark.parametrize("width", [1, 2, 255, 1024, 1025, 3000])
def test_int8_sums_by_float32_are_those_of_whole_numbers(width: int) -> None:
    values, weight = (torch.randint(-128, 128, (rows, width)).to(torch.int8) for rows in (17, 40))
    found = int8.sums_by_float32(values, weight)
    assert torch.equal(found.long(), values.long() @ weight.long().t())
    assert torch.equal(found, int8.exact_product(values, weight))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="oneDNN's instructions are x86's")
def test_int8_sums_are_exact_on_a_cpu_without_vnni() -> None:
    script = """
import torch
from opparity.nn.products import int8
values = torch.full((40, 300), 127, dtype=torch.int8)
assert int8.exact_product(values, values).unique().tolist() == [127 * 127 * 300]
print(int8.int_mm_is_exact())
"""
    # oneDNN reads it when it is first used, and then does as it would on such a CPU.
    environment = os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2"}
    completed = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environment
    )
    # Where torch itself finds no AVX-512 it leaves oneDNN out, and adds up exactly.
    asks_onednn = "AVX512" in torch.backends.cpu.get_cpu_capability()
    assert completed.stdout.strip() == str(not asks_onednn)


def test_int8_bytes_of_a_token_do_not_depend_on_the_others() -> None:
    linear = made(Int8Linear, 96, 160)
    input = torch.randn(40, 160)
    whole = linear(input)
    for tokens in (1, 2, 16, 17):
        assert torch.equal(linear(input[:tokens]), whole[:tokens])


@pytest.mark.parametrize(("kind", "wide"), [(BlockFP8Linear, 128), (MXFP8Linear, 32)])
def test_the_exact_product_is_the_sum_of_fractions_rounded_by_block(
    kind: type[QuantizedLinear], wide: int
) -> None:
    linear = made(kind, 3, 200)
    ask_for_product(linear, "exact")
    values, scales = opparity.quantize(torch.randn(2, 200), kind.recipe)
    found = linear(opparity.Quantized(values, scales, kind.recipe))
    for token in range(2):
        for row in range(3):
            total = 0.0
            for block in range(-(-200 // wide)):
                columns = range(wide * block, min(wide * block + wide, 200))
                exact = sum(
                    Fraction(values[token, k].item()) * Fraction(linear.weight[row, k].item())
                    for k in columns
                )
                factor = Fraction(scales[token, block].item()) * Fraction(
                    linear.weight_scales[row // kind.scale_rows, block].item()
                )
                assert Fraction(float(exact)) == exact
                assert Fraction(float(factor)) == factor
                total += float(exact) * float(factor)
            assert found[token, row].item() == torch.tensor(total).float().item()


def test_products_of_one_name_are_one_function() -> None:
    # An operator finds its product by the name alone.
    functions: dict[str, set[object]] = {}
    for row in PRODUCTS:
        functions.setdefault(row.name, set()).add(row.multiply)
    assert {name: len(found) for name, found in functions.items() if len(found) > 1} == {}
    assert len(functions) < len(PRODUCTS)


@pytest.mark.parametrize("kind", [BlockFP8Linear, MXFP8Linear])
def test_the_dequantised_product_is_near_the_exact_one(kind: type[QuantizedLinear]) -> None:
    linear = made(kind, 256, 512)
    input = torch.randn(64, 512)
    near = linear(input)
    ask_for_product(linear, "exact")
    exact = linear(input)
    assert (near - exact).abs().max() <= 1e-5 * exact.abs().max()
    ask_for_product(linear, None)
    assert torch.equal(linear(input), near)


@pytest.mark.parametrize("kind", KINDS)
def test_each_step_of_a_weights_code_is_half_at_most(kind: type[QuantizedLinear]) -> None:
    weight = torch.randn(200, 300) * torch.logspace(-3, 3, 200)[:, None]
    linear = kind.from_weight(weight)
    scales = spread(torch.ones_like(weight), linear.weight_scales)
    largest = torch.tensor(127.0 if kind is Int8Linear else 448.0)
    # Half a step: 1/2 for int8, 2**-4 of the number (or of the least normal one) for e4m3.
    if kind is Int8Linear:
        allowed = scales * 0.5000001
    else:
        allowed = torch.maximum(weight.abs() * 2.0**-4, scales * 2.0**-10) * 1.000001
    assert ((linear.dequantized() - weight).abs() <= allowed).all()
    # The scale of a group of MXFP8 is a power of two, so that its largest code may be any.
    assert kind is MXFP8Linear or linear.weight.float().abs().max() == largest


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 2), (2, 0, 3)])
def test_leading_dimensions_stay(kind: type[QuantizedLinear], shape: tuple[int, ...]) -> None:
    linear = made(kind, 24, 256)
    input = torch.randn(*shape, 256)
    found = linear(input)
    assert found.shape == (*shape, 24)
    alone = linear(input.reshape(-1, 256)).reshape(found.shape)
    assert torch.allclose(found, alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_quantised_already_gives_the_same_bytes(kind: type[QuantizedLinear]) -> None:
    linear = made(kind, 128, 256, bias=True)
    input = torch.randn(9, 256)
    before = opparity.quantize(input, linear.activations)
    assert torch.equal(linear(before), linear(input))
    if kind is not Int8Linear:
        other = opparity.RECIPES[kind.recipe].with_layout(opparity.ScaleLayout.COLUMN_MAJOR)
        assert torch.equal(linear(opparity.quantize(input, other)), linear(input))


@pytest.mark.parametrize("kind", KINDS)
def test_another_dtype_or_device_leaves_codes_and_scales(kind: type[QuantizedLinear]) -> None:
    linear = made(kind, 128, 256)
    before = [tensor.clone() for tensor in linear.buffers()]
    for moved in (linear.half(), linear.to(torch.bfloat16), linear.to("cpu"), linear.double()):
        for found, kept in zip(moved.buffers(), before, strict=True):
            assert found.dtype == kept.dtype
            assert torch.equal(found.view(torch.uint8), kept.view(torch.uint8))
    assert linear.to("meta").weight.device.type == "meta"


@pytest.mark.parametrize("kind", KINDS)
def test_stacked_modules_give_the_bytes_of_each(kind: type[QuantizedLinear]) -> None:
    modules = [made(kind, rows, 256, bias=True) for rows in (128, 256, 40)]
    input = torch.randn(20, 256)
    for module in modules:
        ask_for_product(module, None if kind is Int8Linear else "exact")
    both = kind.stack(modules)
    ask_for_product(both, modules[0].asked_product)
    assert torch.equal(both(input), torch.cat([module(input) for module in modules], -1))
    with pytest.raises(ArgumentRefused, match="some modules have a bias"):
        kind.stack([modules[0], made(kind, 128, 256)])


def test_a_block_is_not_split_by_what_is_stacked_on_it() -> None:
    modules = [made(BlockFP8Linear, 40, 128), made(BlockFP8Linear, 128, 128)]
    with pytest.raises(ArgumentRefused, match="40 rows comes before another; allowed: a multiple"):
        BlockFP8Linear.stack(modules)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_that_of_the_weight_as_it_is_quantised(kind: type[QuantizedLinear]) -> None:
    linear = made(kind, 64, 256, bias=True)
    input = torch.randn(2, 5, 256, requires_grad=True)
    gradient = torch.randn(2, 5, 64)
    linear(input).backward(gradient)
    assert input.grad is not None
    assert torch.allclose(input.grad, gradient @ linear.dequantized(), rtol=1e-5, atol=1e-6)


def test_the_gradient_goes_through_a_fused_activation() -> None:
    linear = made(BlockFP8Linear, 64, 256)
    input = torch.randn(5, 512, requires_grad=True)
    linear(opparity.silu_and_mul(input, linear.activations)).sum().backward()
    other = input.detach().clone().requires_grad_()
    gate, up = other.chunk(2, -1)
    functional.linear(functional.silu(gate) * up, linear.dequantized()).sum().backward()
    assert input.grad is not None
    assert other.grad is not None
    assert torch.allclose(input.grad, other.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_transforms_of_torch_func_give_backwards_gradient(
    kind: type[QuantizedLinear],
) -> None:
    linear = kind.from_weight(torch.randn(64, 256), torch.randn(64), dtype=torch.float32)
    input, given = torch.randn(3, 256), torch.randn(3, 64)

    def loss(input: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = (linear(input) * given).sum()
        return found

    asking = input.clone().requires_grad_()
    loss(asking).backward()
    expected = asking.grad
    assert expected is not None
    assert expected.abs().sum() > 0
    pull = torch.func.vjp(linear, input)[1]
    both = torch.stack([input, 2 * input])
    for found in (
        torch.func.grad(loss)(input),
        pull(given)[0],
        torch.func.jacrev(loss)(input),
        torch.vmap(torch.func.grad(loss))(both)[0],
        torch.compile(torch.func.grad(loss), fullgraph=True)(input),
    ):
        # The library's product of floats, in which vmap and the compiler have other orders of sums.
        assert torch.allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(torch.vmap(linear)(both), torch.stack([linear(one) for one in both]))
    with pytest.raises(ArgumentRefused, match=r"asked for in forward mode .* allowed: backward"):
        torch.func.jvp(linear, (input,), (input,))


def test_torch_func_gives_the_gradient_of_a_weight_to_be_trained() -> None:
    layer, input = TrainedLinear(256, 64, Int8Linear), torch.randn(3, 256)

    def loss(parameters: dict[str, torch.Tensor]) -> torch.Tensor:
        found: torch.Tensor = torch.func.functional_call(layer, parameters, input).square().sum()
        return found

    found = torch.func.grad(loss)({"weight": layer.weight.detach()})
    layer(input).square().sum().backward()
    assert layer.weight.grad is not None
    assert torch.equal(found["weight"], layer.weight.grad)


@pytest.mark.parametrize("kind", KINDS)
def test_torch_compile_gives_the_same_bytes(kind: type[QuantizedLinear]) -> None:
    linear = kind.from_weight(torch.randn(64, 256), torch.randn(64), dtype=torch.bfloat16)

    def step(input: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = linear(input) * 3 + 1
        return found

    compiled = torch.compile(linear, fullgraph=True, dynamic=True)
    for tokens in (3, 8):
        input = torch.randn(tokens, 256, dtype=torch.bfloat16)
        assert torch.equal(compiled(input), linear(input))
    torch.library.opcheck(
        torch.ops.opparity.quantized_linear.default,
        (
            *opparity.quantize(torch.randn(4, 256), kind.recipe),
            linear.weight,
            linear.weight_scales,
            None,
            torch.randn(4, 256, requires_grad=True),
            torch.randn(64, 256, requires_grad=True),
            next(
                row.name
                for row in PRODUCTS
                if row.recipe == kind.recipe and row.name != "scaled_mm"
            ),
            torch.float32,
        ),
        test_utils=CHECKS[kind.recipe],
    )


def test_a_single_column_and_a_stride_of_zero_are_multiplied_too() -> None:
    for tokens, rows in ((1, 1), (4, 4), (7, 96)):
        linear = Int8Linear.from_weight(torch.randn(rows, 1))
        input = torch.randn(tokens, 1)
        expected = input @ linear.dequantized().t()
        assert torch.allclose(linear(input), expected, rtol=0.02, atol=1e-6)
    values = torch.randint(-128, 128, (5, 64), dtype=torch.int8)
    weight = torch.randint(-128, 128, (1, 64), dtype=torch.int8).expand(32, 64)
    found = int8.exact_product(values, weight)
    assert torch.equal(found.long(), values.long() @ weight.long().t())


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_another_dtype_are_not_rounded_into_codes(kind: type[QuantizedLinear]) -> None:
    linear = made(kind, 32, 256)
    state = {**linear.state_dict(), "weight": torch.randn(32, 256)}
    for assign in (False, True):
        with pytest.raises(RuntimeError, match=r"weight is torch\.float32; allowed: torch\."):
            linear.load_state_dict(state, assign=assign)
    linear.load_state_dict(made(kind, 32, 256).state_dict())


@pytest.mark.parametrize("kind", KINDS)
def test_autocast_changes_no_byte(kind: type[QuantizedLinear]) -> None:
    linear, input = made(kind, 32, 256), torch.randn(5, 256)
    expected = linear(input)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(linear(input), expected)


def test_autocast_changes_no_byte_without_vnni_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8, "int_mm_is_exact", lambda: False)
    test_autocast_changes_no_byte(Int8Linear)


def test_a_stack_takes_the_product_that_was_asked_for() -> None:
    layers = [made(BlockFP8Linear, 128, 128) for _ in range(2)]
    for layer in layers:
        ask_for_product(layer, "exact")
    assert BlockFP8Linear.stack(layers).product.name == "exact"


def on_two_devices() -> torch.Tensor:
    linear = made(Int8Linear, 4, 256)
    linear.weight_scales = linear.weight_scales.to("meta")
    found: torch.Tensor = linear(torch.ones(2, 256))
    return found


MISTAKES = [
    (on_two_devices, "a tensor is on meta and the activations on cpu; allowed: one device"),
    (lambda: Int8Linear.stack([]), "layers to stack are none of 0 widths; allowed: Int8Linear"),
    (
        lambda: Int8Linear.stack([made(Int8Linear, 4, 256), made(Int8Linear, 4, 128)]),
        "layers to stack are Int8Linear, Int8Linear of 2 widths",
    ),
    (lambda: BlockFP8Linear.from_weight(torch.ones(4)), r"weight has shape \(4,\)"),
    (lambda: BlockFP8Linear(torch.zeros(4, 4), torch.ones(1, 1)), "weight is torch.float32"),
    (
        lambda: Int8Linear(torch.zeros(4, 4, dtype=torch.int8), torch.ones(4)),
        r"weight_scales has shape \(4,\); allowed: \(4, 1\)",
    ),
    (
        lambda: BlockFP8Linear(torch.zeros(4, 129).to(torch.float8_e4m3fn), torch.ones(1, 1)),
        r"allowed: \(1, 2\), one for each block",
    ),
    (
        lambda: MXFP8Linear(torch.zeros(4, 64).to(torch.float8_e4m3fn), torch.ones(4, 2)),
        "its scales are torch.float32; allowed: torch.float8_e4m3fn and torch.float8_e8m0fnu",
    ),
    (
        lambda: MXFP8Linear(
            torch.zeros(4, 65).to(torch.float8_e4m3fn), torch.ones(4, 2).to(torch.float8_e8m0fnu)
        ),
        r"weight_scales has shape \(4, 2\); allowed: \(4, 3\), one for each 32",
    ),
    (
        lambda: Int8Linear(torch.zeros(4, dtype=torch.int8), torch.ones(4, 1)),
        r"weight has shape \(4,\)",
    ),
    (
        lambda: Int8Linear(256, 384),  # type: ignore[arg-type]  # as torch's own is called
        "weight is of type int; allowed: a tensor .*by from_linear, of its weight by from_weight",
    ),
    (
        lambda: Int8Linear.from_weight(nn.Linear(4, 4)),  # type: ignore[arg-type]  # its weight
        "weight is of type Linear; allowed: a tensor",
    ),
    (
        lambda: Int8Linear.from_linear(torch.ones(4, 4)),  # type: ignore[arg-type]  # no module
        "linear is of type Tensor; allowed: torch.nn.Linear; pass one, or its weight",
    ),
    (
        lambda: RMSNorm(256),  # type: ignore[arg-type]  # as torch's own is called
        "weight is of type int; allowed: a tensor .*or torch.ones",
    ),
    (
        lambda: Int8Linear.from_weight(torch.ones(4, 4), torch.ones(5)),
        r"bias has shape \(5,\); allowed: \(4,\)",
    ),
    (
        lambda: Int8Linear.from_weight(torch.ones(4, 4), dtype=torch.float64),
        "dtype is torch.float64; allowed: torch.bfloat16",
    ),
    (lambda: Int8Linear.from_weight(torch.full((4, 4), float("nan"))), "NaN or infinity"),
    (
        lambda: made(Int8Linear, 4, 256)(torch.ones(2, 128)),
        "the input is 128 wide; allowed: in_features, 256",
    ),
    (
        lambda: made(Int8Linear, 4, 256)(opparity.quantize(torch.ones(2, 256), "fp8_block")),
        "quantised by 'float8_e4m3fn/128/.*'; allowed: 'int8_token'",
    ),
    (
        lambda: ask_for_product(made(Int8Linear, 4, 256), "exact"),
        "the product is exact; allowed for int8_token: int8; choose one of them",
    ),
    (
        lambda: ask_for_product(made(BlockFP8Linear, 4, 256), "scaled_mm"),
        "scaled_mm takes blocks of scales on NVIDIA alone; the device is cpu",
    ),
]


@pytest.mark.parametrize(("mistake", "words"), MISTAKES, ids=[words for _, words in MISTAKES])
def test_a_mistake_is_refused_in_words(mistake: object, words: str) -> None:
    assert callable(mistake)
    with pytest.raises(ArgumentRefused, match=words):
        mistake()
