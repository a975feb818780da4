"""What torch does with the operators beside calling them."""

from __future__ import annotations

import copy
import io
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor

import opparity
from operator_calls import BY_NAME, OPERATOR, assert_same_bytes, good_arguments, quantise, run
from opparity import Quantized, ScaleLayout, providers
from opparity.errors import ArgumentRefused
from opparity.formats import RECIPES, Recipe
from opparity.operators.fillings import Filling, make_input
from opparity.operators.gradients import overload_of

if TYPE_CHECKING:
    from collections.abc import Callable

BOTH = ("native", "reference")
MX = [RECIPES["mxfp8"].with_layout(layout) for layout in ScaleLayout]
every_layout = pytest.mark.parametrize("recipe", MX, ids=lambda recipe: str(recipe.layout))


@pytest.mark.usefixtures("allclose_of_bytes")
@pytest.mark.parametrize("provider", BOTH)
@pytest.mark.parametrize("name", BY_NAME)
def test_opcheck(provider: str, name: str) -> None:
    named = {
        "per_token_group_fp8_quant_packed": RECIPES["deepgemm"],
        "silu_and_mul_nvfp4_quant": RECIPES["nvfp4"].with_layout(ScaleLayout.SWIZZLE_128X4),
        "per_token_group_quant_int8": RECIPES["int8_block"],
        "silu_and_mul_quant": RECIPES["fp8_tensor"],
        "static_scaled_fp8_quant": RECIPES["int8_tensor"],
        "rms_norm_static_fp8_quant": RECIPES["fp8_tensor"],
        "fused_add_rms_norm_static_fp8_quant": RECIPES["fp8_tensor"],
        "rms_norm_dynamic_per_token_quant": RECIPES["fp8_token"],
        "dynamic_per_token_scaled_fp8_quant": RECIPES["fp8_token"],
        "dynamic_scaled_int8_quant": RECIPES["int8_token"],
        "persistent_masked_m_silu_mul_quant": RECIPES["fp8_block"],
    }
    recipe = RECIPES["none"] if BY_NAME[name].unquantised else named.get(BY_NAME[name].name)
    arguments = good_arguments(name, recipe)
    with providers(force=provider):
        torch.library.opcheck(overload_of(BY_NAME[name]), (), arguments)


def with_recipe(recipe: Recipe | str) -> Callable[[Tensor], Quantized]:
    def block(input: Tensor) -> Quantized:
        return opparity.silu_and_mul(input * 2, recipe)

    return block


def assert_same(got: Quantized, expected: Quantized) -> None:
    assert got.recipe == expected.recipe
    assert got.scales.stride() == expected.scales.stride()
    assert_same_bytes(got.values, expected.values)
    assert_same_bytes(got.scales, expected.scales)


@every_layout
def test_compiled_as_one_graph_with_any_number_of_tokens(recipe: Recipe) -> None:
    torch._dynamo.reset()
    compiled = torch.compile(with_recipe(recipe), fullgraph=True, dynamic=True, backend="aot_eager")
    with torch._dynamo.config.patch(error_on_recompile=True):
        # As many tokens as groups among them.
        for num_tokens in (5, 2, 8, 33):
            input = make_input(Filling.ACTIVATIONS, num_tokens, 256, "bfloat16", num_tokens)
            assert_same(compiled(input), with_recipe(recipe)(input))


def test_compiled_by_inductor() -> None:
    def block(input: Tensor) -> tuple[Tensor, Tensor]:
        values, scales = opparity.silu_and_mul_per_block_quant(input * 2, 64)
        return values, scales + 0

    torch._dynamo.reset()
    compiled = torch.compile(block, fullgraph=True, dynamic=True)
    for num_tokens in (5, 4):
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
    torch.compile(with_recipe("fp8_block"), backend=backend)(torch.ones(2, 256))
    assert "opparity.silu_and_mul.default" in targets


def written(input: Tensor) -> tuple[Tensor, Tensor]:
    """Call an operator that writes to its arguments, with scales by groups."""
    out = torch.empty(input.shape[0], 256, dtype=torch.int8)
    scales = torch.empty(4, input.shape[0])
    OPERATOR(out, input, scales, 64, None, True)
    return out, scales.t()


def test_an_operator_that_writes_is_compiled_with_any_number_of_tokens() -> None:
    torch._dynamo.reset()
    compiled = torch.compile(written, fullgraph=True, dynamic=True, backend="aot_eager")
    with torch._dynamo.config.patch(error_on_recompile=True):
        for num_tokens in (5, 2, 4, 33):
            input = make_input(Filling.ACTIVATIONS, num_tokens, 256, "bfloat16", num_tokens)
            for got, expected in zip(compiled(input), written(input), strict=True):
                assert_same_bytes(got, expected)


class Module(torch.nn.Module):
    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, input: Tensor) -> Any:  # noqa: ANN401
        return self.function(input)


def exported(function: Callable[[Tensor], Any]) -> torch.export.ExportedProgram:
    """Export with any number of tokens, save and load."""
    input = make_input(Filling.ACTIVATIONS, 6, 256, "bfloat16", 0)
    shapes = {"input": {0: torch.export.Dim("num_tokens")}}
    program = torch.export.export(Module(function), (input,), dynamic_shapes=shapes)
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    buffer.seek(0)
    return torch.export.load(buffer)


@every_layout
def test_exported_saved_and_loaded_with_any_number_of_tokens(recipe: Recipe) -> None:
    module = exported(with_recipe(recipe)).module()
    for num_tokens in (3, 8, 6):
        input = make_input(Filling.ACTIVATIONS, num_tokens, 256, "bfloat16", num_tokens)
        assert_same(module(input), with_recipe(recipe)(input))


def test_an_operator_that_writes_is_exported_with_any_number_of_tokens() -> None:
    module = exported(written).module()
    input = make_input(Filling.ACTIVATIONS, 4, 256, "bfloat16", 1)
    for got, expected in zip(module(input), written(input), strict=True):
        assert_same_bytes(got, expected)


# torch's own code says so of torch's own code.
@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning")
def test_a_package_of_aot_inductor_gives_the_same() -> None:
    program = exported(with_recipe("mxfp8"))
    package = torch._inductor.aoti_compile_and_package(program)
    runner = torch._inductor.aoti_load_package(package)
    for num_tokens in (3, 8):
        input = make_input(Filling.ACTIVATIONS, num_tokens, 256, "bfloat16", num_tokens)
        assert_same(runner(input), with_recipe("mxfp8")(input))


MISTAKES: dict[str, tuple[Callable[[Tensor], object], str]] = {
    "group size": (
        lambda x: opparity.silu_and_mul_per_block_quant(x, 48),
        "group_size is 48; allowed: 16, 32, 64, 128, 256; choose one",
    ),
    "None": (
        lambda _: opparity.silu_and_mul(None),  # type: ignore[call-overload]
        "input is None; allowed: a tensor; pass one",
    ),
    "width": (
        lambda x: opparity.silu_and_mul(x[:, :255].contiguous()),
        "input is 255 wide; allowed: an even width",
    ),
    "dtype": (
        lambda x: opparity.silu_and_mul_per_block_quant(x, dtype="fp8"),  # type: ignore[arg-type]
        "dtype is 'fp8'; allowed: float8_e4m3fn",
    ),
    "bound": (
        lambda x: opparity.silu_and_mul(x, "fp8_block", scale_ub=0.0),
        "scale_ub is 0; allowed: a number above 0 in float32; leave it out for none",
    ),
    "scale": (
        lambda x: opparity.silu_and_mul(x, "fp8_tensor", scale=0.0),
        "scale is 0; allowed: a number that is not 0 in float32; opparity.tensor_scale computes",
    ),
    "global scale": (
        lambda x: opparity.silu_and_mul(x, "nvfp4", scale=float("nan")),
        "scale is nan; allowed: a number above 0 in float32; opparity.tensor_scale computes one",
    ),
    "recipe": (lambda x: opparity.silu_and_mul(x, "fp8"), "recipe is 'fp8'; allowed: fp8_block"),
    "limit": (
        lambda x: opparity.silu_and_mul_with_clamp(x, limit=-1.0),
        "limit is -1; allowed: 1e-30 to 1e+30; choose one",
    ),
    "exponents as input": (
        lambda x: opparity.silu_and_mul(x.to(torch.float8_e8m0fnu)),
        "input has dtype float8_e8m0fnu; allowed: float16, bfloat16, float32; cast it",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_the_words_survive_a_compilation_of_the_full_graph(name: str) -> None:
    function, words = MISTAKES[name]
    input = torch.ones(2, 256)
    with pytest.raises(RuntimeError) as eager:
        function(input)
    assert words in str(eager.value)
    torch._dynamo.reset()
    with pytest.raises(RuntimeError) as compiled:
        torch.compile(function, fullgraph=True, backend="aot_eager")(input)
    assert words in str(compiled.value).replace("\\'", "'")


def test_vmap_of_a_batch_is_one_call_on_all_tokens() -> None:
    batch = make_input(Filling.ACTIVATIONS, 15, 128, "bfloat16", 1).view(3, 5, 256)
    for layout in (ScaleLayout.ROW_MAJOR, ScaleLayout.COLUMN_MAJOR):
        recipe = RECIPES["mxfp8"].with_layout(layout)
        got: Any = torch.vmap(with_recipe(recipe))(batch)
        expected = with_recipe(recipe)(batch)
        assert_same_bytes(got.values, expected.values)
        assert_same_bytes(got.scales.contiguous(), expected.scales.contiguous())
    swapped = batch.movedim(0, 1)
    product = torch.vmap(opparity.silu_and_mul, in_dims=1)(swapped)
    assert_same_bytes(product, opparity.silu_and_mul(batch))


def test_vmap_refuses_in_words_what_has_no_batch() -> None:
    batch = torch.randn(3, 5, 256)
    with pytest.raises(ArgumentRefused, match=r"layout is 'packed' under torch.vmap; allowed: row"):
        torch.vmap(lambda x: tuple(opparity.silu_and_mul(x, "deepgemm")))(batch)
    with pytest.raises(ArgumentRefused, match=r"scale differs within torch.vmap's batch; allowed"):
        torch.vmap(lambda x, s: tuple(opparity.silu_and_mul(x, "fp8_tensor", scale=s)))(
            batch, torch.ones(3)
        )
    with pytest.raises(ArgumentRefused, match=r"call opparity.silu_and_mul"):
        torch.vmap(written)(torch.randn(3, 5, 512))


@pytest.mark.parametrize("text", ["mxfp8", "int8_block", "mxfp4"])
def test_functionalised_and_traced(text: str) -> None:
    input = make_input(Filling.ACTIVATIONS, 4, 256, "bfloat16", 1)
    expected = tuple(with_recipe(text)(input))

    def block(input: Tensor) -> tuple[Tensor, ...]:
        return tuple(with_recipe(text)(input))

    with pytest.warns((DeprecationWarning, FutureWarning), match="torch.jit.trace"):
        traced = torch.jit.trace(block, (input,), check_trace=False)
    for got in (torch.func.functionalize(block)(input), traced(input)):
        for tensor, right in zip(got, expected, strict=True):
            assert_same_bytes(tensor, right)


def test_writing_raises_the_versions_of_what_is_written() -> None:
    arguments = good_arguments("silu_and_mul.out")
    versions = {name: arguments[name]._version for name in ("values", "scales", "input")}
    run("silu_and_mul.out", arguments)
    changed = {name for name, version in versions.items() if arguments[name]._version > version}
    assert changed == {"values", "scales"}


def test_scales_that_autograd_has_saved_are_not_overwritten_in_silence() -> None:
    arguments = good_arguments("silu_and_mul.out")
    leaf = torch.ones(3, 2, requires_grad=True)
    product = leaf * arguments["scales"]
    run("silu_and_mul.out", arguments)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        product.sum().backward()


@pytest.mark.parametrize("name", [name for name, row in BY_NAME.items() if row.mutates])
def test_an_operator_that_writes_refuses_what_requires_grad(name: str) -> None:
    recipe = RECIPES["none"] if BY_NAME[name].unquantised else None
    arguments = good_arguments(name, recipe)
    # Sums have no gradient, and their scales could.
    arguments["token_scales" if BY_NAME[name].reads_sums else "input"].requires_grad_()
    with pytest.raises(
        ArgumentRefused, match=r"a tensor requires grad and an operator that writes"
    ):
        run(name, arguments)


def test_saved_and_loaded_by_torchs_default() -> None:
    input = make_input(Filling.ACTIVATIONS, 4, 256, "bfloat16", 1)
    for text, scale in (("mxfp8", None), ("nvfp4", 40.0), ("fp8_tensor", 0.1)):
        quantized = opparity.silu_and_mul(input, text, scale=scale)
        buffer = io.BytesIO()
        torch.save({"activation": quantized}, buffer)
        buffer.seek(0)
        loaded = torch.load(buffer)["activation"]
        assert_same(loaded, quantized)
        assert_same_bytes(loaded.dequantize(), quantized.dequantize())


@every_layout
def test_exponents_are_read_by_the_compilers_code_for_a_cpu(recipe: Recipe) -> None:
    hidden = torch.randn(5, 2 * 320)

    def numbers(hidden: Tensor) -> Tensor:
        return opparity.silu_and_mul(hidden, recipe).dequantize()

    assert torch.equal(torch.compile(numbers, fullgraph=True)(hidden), numbers(hidden))


def test_every_exponent_is_read_as_it_is() -> None:
    codes = torch.arange(256, dtype=torch.uint8)[:, None]
    values = torch.ones(256, 32).to(torch.float8_e4m3fn)
    found = opparity.dequantize(values, codes.view(torch.float8_e8m0fnu), "mxfp8")[:, 0]
    expected = torch.exp2(codes[:, 0].double() - 127).float()
    assert torch.equal(found[:255], expected[:255])
    assert found[255].isnan()


@pytest.mark.parametrize("recipe", ["fp8_block", "int8_token", "mxfp8", "nvfp4", "fp8_tensor"])
def test_what_has_a_gradient_is_saved_and_copied_without_it(recipe: str) -> None:
    scale = torch.tensor(0.5) if recipe in {"nvfp4", "fp8_tensor"} else None
    hidden = torch.randn(5, 2 * 64, requires_grad=True)
    quantized = opparity.silu_and_mul(hidden, recipe, scale=scale)
    assert quantized.has_gradient
    buffer = io.BytesIO()
    torch.save(quantized, buffer)
    buffer.seek(0)
    for found in (torch.load(buffer), copy.deepcopy(quantized)):
        assert not found.has_gradient
        assert found.recipe == quantized.recipe
        assert torch.equal(found.dequantize(), quantized.dequantize())
        assert not found.dequantize().requires_grad
