from __future__ import annotations

import pytest
import torch
from torch import Tensor

import opparity
from operator_calls import (
    INPUT_DTYPES,
    OPERATOR,
    VALUE_DTYPES,
    assert_same_bytes,
    quantise,
)
from opparity import Intermediate, ScaleLayout, providers
from opparity.operators.silu_and_mul_per_block_quant.cases import Filling, make_input


@pytest.fixture
def allclose_of_float8(monkeypatch: pytest.MonkeyPatch) -> None:
    """opcheck compares with torch.allclose, which has no arithmetic for FP8: compare as float32."""
    original = torch.allclose

    def allclose(
        left: Tensor, right: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
    ) -> bool:
        if left.dtype.itemsize == 1 and left.dtype.is_floating_point:
            left, right = left.float(), right.float()
        return original(left, right, rtol, atol, equal_nan)

    monkeypatch.setattr(torch, "allclose", allclose)


@pytest.mark.usefixtures("allclose_of_float8")
@pytest.mark.parametrize("provider", ["native", "reference"])
@pytest.mark.parametrize("dtype", VALUE_DTYPES, ids=str)
@pytest.mark.parametrize("num_tokens", [0, 3])
def test_opcheck(provider: str, dtype: torch.dtype, num_tokens: int) -> None:
    out = torch.zeros(num_tokens, 128, dtype=dtype)
    input = torch.randn(num_tokens, 256, dtype=torch.bfloat16)
    scales = torch.zeros(num_tokens, 2)
    with providers(force=provider):
        torch.library.opcheck(OPERATOR.default, (out, input, scales, 64))
        torch.library.opcheck(
            OPERATOR.intermediate,
            (out, input, scales, 64, torch.tensor(0.5), False, "input_dtype"),
        )


def test_compiled_as_one_graph_with_any_number_of_tokens() -> None:
    def block(input: Tensor) -> tuple[Tensor, Tensor]:
        values, scales = opparity.silu_and_mul_per_block_quant(input * 2, 64)
        return values, scales + 0

    torch._dynamo.reset()
    compiled = torch.compile(block, fullgraph=True, dynamic=True)
    with torch._dynamo.config.patch(error_on_recompile=True):
        for num_tokens in (5, 2, 7, 33):
            input = make_input(Filling.ACTIVATIONS, num_tokens, 256, "bfloat16", num_tokens)
            values, scales = compiled(input)
            expected = quantise("reference", input * 2, 64)
            assert_same_bytes(values, expected[0])
            assert_same_bytes(scales, expected[1])


def test_compiled_code_calls_the_operator_itself() -> None:
    targets: list[str] = []

    def backend(graph: torch.fx.GraphModule, _: list[Tensor]) -> torch.fx.GraphModule:
        targets.extend(str(node.target) for node in graph.graph.nodes)
        return graph

    torch._dynamo.reset()
    torch.compile(lambda input: opparity.silu_and_mul_per_block_quant(input, 64), backend=backend)(
        torch.ones(2, 256)
    )
    assert "opparity.silu_and_mul_per_block_quant.default" in targets


@pytest.mark.parametrize("leading", [(), (4,), (2, 3), (2, 0, 3), (1, 1, 1, 5)])
@pytest.mark.parametrize("layout", ScaleLayout)
def test_the_function_takes_leading_dimensions(
    leading: tuple[int, ...], layout: ScaleLayout
) -> None:
    count = int(torch.tensor(leading).prod()) if leading else 1
    tokens = make_input(Filling.ACTIVATIONS, max(count, 1), 256, "float16", 3)[:count]
    values, scales = opparity.silu_and_mul_per_block_quant(
        tokens.view(*leading, 512), 64, scale_layout=layout
    )
    expected = quantise("reference", tokens, 64)
    assert values.shape == (*leading, 256)
    assert scales.shape == (*leading, 4)
    assert_same_bytes(values.view(count, 256), expected[0])
    assert_same_bytes(scales.reshape(count, 4), expected[1])
    if len(leading) == 1 and layout is ScaleLayout.COLUMN_MAJOR:
        assert scales.stride() == (1, leading[0])


@pytest.mark.parametrize("dtype", INPUT_DTYPES, ids=str)
def test_the_function_passes_everything_on(dtype: torch.dtype) -> None:
    input = make_input(Filling.ACTIVATIONS, 4, 256, str(dtype).removeprefix("torch."), 7)
    got = opparity.silu_and_mul_per_block_quant(
        input, 32, dtype=torch.int8, scale_ub=0.002, intermediate=Intermediate.INPUT_DTYPE
    )
    expected = quantise(
        "reference", input, 32, dtype=torch.int8, scale_ub=0.002, intermediate="input_dtype"
    )
    assert_same_bytes(got.values, expected[0])
    assert_same_bytes(got.scales, expected[1])
    unbounded = quantise("reference", input, 32, dtype=torch.int8)
    assert not torch.equal(got.values, unbounded[0])


def test_the_default_dtype_is_e4m3fn_with_groups_of_128() -> None:
    values, scales = opparity.silu_and_mul_per_block_quant(torch.ones(2, 512))
    assert values.dtype == torch.float8_e4m3fn
    assert scales.shape == (2, 2)


def test_outputs_are_for_inference_and_never_require_gradients() -> None:
    input = torch.ones(1, 256, requires_grad=True)
    values, scales = opparity.silu_and_mul_per_block_quant(input)
    assert not values.requires_grad
    assert not scales.requires_grad
