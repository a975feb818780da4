"""An int8 MLP whose activation reads the sums of its first product: when it does, and its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import opparity
from opparity.nn import Int8Linear, Int8SwiGLU
from opparity.nn.multiplication import exact_sums
from opparity.nn.products import int8
from opparity.operators import PRODUCERS

if TYPE_CHECKING:
    from opparity import Quantized
    from opparity.operators.declaration import Producer

GATED = [producer for producer in PRODUCERS if producer.gated]
DTYPES = (torch.bfloat16, torch.float16, torch.float32)


class Called(TorchDispatchMode):
    """The operators of opparity that are called."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: list[str] = []

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload,
        types: object,
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        if func.namespace == "opparity":
            self.names.append(func._schema.name.removeprefix("opparity::"))
        return func(*args, **(kwargs or {}))


def mlp_of(
    dtype: torch.dtype = torch.bfloat16,
    producer: str = "silu_and_mul",
    *,
    bias: bool = False,
    **numbers: float,
) -> Int8SwiGLU:
    gate, up = (nn.Linear(64, 96, bias=bias, dtype=dtype) for _ in range(2))
    down = nn.Linear(96, 64, bias=bias, dtype=dtype)
    return Int8SwiGLU.from_linears(gate, up, down, producer=producer, **numbers)


def in_two_steps(mlp: Int8SwiGLU, input: Tensor | Quantized) -> Tensor:
    """Return the MLP's result with the product of gate and up written and read again."""
    activation = getattr(opparity, mlp.producer)
    found: Tensor = mlp.down(activation(mlp.gate_up(input), "int8_token", **mlp.numbers))
    return found


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("producer", GATED, ids=lambda producer: producer.name)
def test_the_bytes_are_those_of_two_steps(producer: Producer, dtype: torch.dtype) -> None:
    numbers = {p.name: 0.5 for p in producer.parameters if p.default is None}
    mlp = mlp_of(dtype, producer.name, bias=False, **numbers)
    for shape in ((64,), (1, 64), (33, 64), (2, 3, 64), (0, 64)):
        input = torch.randn(shape, dtype=dtype) * 4
        for given in (input, opparity.quantize(input, "int8_token")):
            with Called() as called:
                found = mlp(given)
            assert f"{producer.name}_of_sums" in called.names
            assert called.names.count("exact_sums") == called.names.count("quantized_linear") == 1
            assert found.dtype == dtype
            assert found.shape == shape
            assert torch.equal(found, in_two_steps(mlp, given))


@pytest.mark.parametrize("tokens", [1, 16, 40])
def test_hostile_activations_have_the_bytes_of_two_steps(tokens: int) -> None:
    mlp = mlp_of()
    input = torch.randn(tokens, 64).bfloat16()
    input[0, :3] = torch.tensor([torch.nan, torch.inf, 1e38])
    found, expected = mlp(input), in_two_steps(mlp, input)
    assert torch.equal(found.view(torch.int16), expected.view(torch.int16))


def test_a_bias_a_gradient_and_hooks_take_the_layers_result() -> None:
    input = torch.randn(5, 64).bfloat16()
    seen: list[Tensor] = []
    hooked = mlp_of()
    hooked.gate_up.register_forward_hook(lambda _module, _input, output: seen.append(output))
    for mlp, given in (
        (mlp_of(bias=True), input),
        (mlp_of(), input.clone().requires_grad_()),
        (mlp_of(), opparity.silu_and_mul(torch.randn(5, 128, requires_grad=True), "int8_token")),
        (hooked, input),
    ):
        with Called() as called:
            found = mlp(given)
        assert "exact_sums" not in called.names
        assert called.names.count("quantized_linear") == 2
        assert torch.equal(found, in_two_steps(mlp, given))
    assert seen
    with torch.no_grad(), Called() as called:
        mlp_of()(input.clone().requires_grad_())
    assert "exact_sums" in called.names


class Doubled(Int8Linear):
    def forward(self, input: Tensor | Quantized) -> Tensor:
        return 2 * super().forward(input)


def test_whoever_replaced_the_layers_forward_is_asked() -> None:
    input = torch.randn(5, 64).bfloat16()
    of_a_kind, of_one_layer = mlp_of(), mlp_of()
    of_a_kind.gate_up.__class__ = Doubled
    forward = of_one_layer.gate_up.forward
    of_one_layer.gate_up.forward = lambda input: 2 * forward(input)  # type: ignore[method-assign]
    for mlp in (of_a_kind, of_one_layer):
        with Called() as called:
            found = mlp(input)
        assert "exact_sums" not in called.names
        assert torch.equal(found, in_two_steps(mlp, input))


def test_a_hook_sees_what_the_layer_is_given_and_makes() -> None:
    mlp, input = mlp_of(), torch.randn(5, 64).bfloat16()
    product = mlp.gate_up(input)
    seen: list[object] = []
    with mlp.gate_up.register_forward_pre_hook(lambda _layer, given: seen.append(given[0])):
        mlp(input)
    assert seen == [input]

    def record(layer: nn.Module, _given: object, made: object) -> None:
        if layer is mlp.gate_up:
            seen.append(made)

    with nn.modules.module.register_module_forward_hook(record):
        mlp(input)
    assert isinstance(seen[1], Tensor)
    assert torch.equal(seen[1], product)


def test_the_gradient_is_that_of_two_steps() -> None:
    mlp = mlp_of(torch.float32)
    first, second = (torch.ones(5, 64, requires_grad=True) for _ in range(2))
    mlp(first).square().sum().backward()
    in_two_steps(mlp, second).square().sum().backward()
    assert first.grad is not None
    assert second.grad is not None
    assert torch.equal(first.grad, second.grad)
    found = torch.func.grad(lambda x: mlp(x).square().sum())(torch.ones(5, 64))
    assert torch.equal(found, first.grad)


def test_vmap_and_autocast_change_no_bytes() -> None:
    mlp, input = mlp_of(), torch.randn(3, 5, 64).bfloat16()
    assert torch.equal(torch.vmap(mlp)(input), torch.stack([mlp(one) for one in input]))
    with torch.autocast("cpu", torch.float16):
        assert torch.equal(mlp(input), in_two_steps(mlp, input))
    assert torch.equal(mlp(input), in_two_steps(mlp, input))


def test_compiled_for_any_number_of_tokens_it_has_the_same_bytes() -> None:
    mlp = mlp_of()
    compiled = torch.compile(mlp, fullgraph=True, dynamic=True)
    with torch.inference_mode():
        for tokens in (20, 33, 64):
            input = torch.randn(tokens, 64).bfloat16()
            assert torch.equal(compiled(input), mlp(input))
    wants = torch.randn(20, 64).bfloat16().requires_grad_()
    assert torch.equal(torch.compile(mlp, fullgraph=True)(wants), mlp(wants))


def test_exported_it_has_the_same_bytes() -> None:
    mlp, input = mlp_of(), torch.randn(20, 64).bfloat16()
    program = torch.export.export(mlp, (input,))
    assert "silu_and_mul_of_sums" in str(program.graph)
    assert torch.equal(program.module()(input), mlp(input))


@pytest.mark.parametrize("shape", [(20, 64, 48), (1, 1, 3), (3, 9, 5)])
def test_exact_sums_pass_torchs_own_checks(shape: tuple[int, int, int]) -> None:
    tokens, width, rows = shape
    values, weight = (
        torch.randint(-128, 128, size, dtype=torch.int8)
        for size in ((tokens, width), (rows, width))
    )
    torch.library.opcheck(exact_sums, (values, weight))
    expected = (values.double() @ weight.double().t()).int()
    assert torch.equal(exact_sums(values, weight), expected)


def test_the_fake_of_exact_sums_lies_as_a_gpus_product_does() -> None:
    # Of 5 columns a GPU's kernel makes 8.
    values, weight = (
        torch.empty(size, dtype=torch.int8, device="meta") for size in ((3, 9), (5, 9))
    )
    assert int8.exact_product(values, weight).stride() == exact_sums(values, weight).stride()
    assert exact_sums(values, weight).stride() == (8, 1)


def test_sums_are_of_the_layer_and_of_no_other_width() -> None:
    linear = Int8Linear.from_linear(nn.Linear(64, 48, bias=False).bfloat16())
    input = torch.randn(2, 3, 64).bfloat16()
    sums, stand_for = linear.sums_of(linear.quantised(input))
    assert (sums.shape, sums.dtype) == ((2, 3, 48), torch.int32)
    values = opparity.quantize(input, "int8_token").values
    assert torch.equal(sums.double(), values.double() @ linear.weight.double().t())
    numbers = sums.float() * stand_for.token_scales * stand_for.weight_scales.t()
    assert torch.equal(numbers.to(stand_for.dtype), linear(input))


@pytest.mark.gpu
@pytest.mark.parametrize("tokens", [1, 16, 17, 40])
def test_on_a_gpu_it_has_the_bytes_of_a_cpu(tokens: int) -> None:
    # 36 and 20 are no multiples of eight, so the product's rows lie farther apart than they are.
    gate, up = (nn.Linear(20, 18, bias=False).bfloat16() for _ in range(2))
    mlp = Int8SwiGLU.from_linears(gate, up, nn.Linear(18, 20, bias=False).bfloat16())
    input = torch.randn(tokens, 20).bfloat16()
    expected = mlp(input)
    mlp = mlp.cuda()
    assert torch.equal(mlp(input.cuda()).cpu(), expected)
    compiled = torch.compile(mlp, fullgraph=True)
    assert torch.equal(compiled(input.cuda()).cpu(), expected)
    torch.library.opcheck(exact_sums, (torch.ones_like(mlp.gate_up.weight), mlp.gate_up.weight))
