"""torch.func's transforms and forward mode: the gradient itself, or a refusal in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils.checkpoint import checkpoint

import opparity
from operator_calls import assert_same_bytes, good_arguments, run
from opparity.errors import ArgumentRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = Callable[[Tensor], Tensor]

# torch.func.jvp's own.
func: Any = torch.func


def product(input: Tensor) -> Tensor:
    return opparity.silu_and_mul(input).square().sum()


def dequantised(input: Tensor) -> Tensor:
    return opparity.gelu_and_mul(input, "mxfp8").dequantize().square().sum()


def with_a_given_scale(input: Tensor) -> Tensor:
    return opparity.silu_and_mul(input, "int8_tensor", scale=0.1).dequantize().square().sum()


def plainly_quantised(input: Tensor) -> Tensor:
    return opparity.quantize(input, "mxfp4").dequantize().square().sum()


def by_the_operator(input: Tensor) -> Tensor:
    values: Tensor = torch.ops.opparity.silu_and_mul(input, "none")[0]
    return values.square().sum()


def of_values(input: Tensor) -> Tensor:
    return opparity.silu_and_mul(input, "mxfp8").values.float().sum()


def of_scales(input: Tensor) -> Tensor:
    return opparity.silu_and_mul(input, "int8_block").scales.sum()


def of_a_given_scale(input: Tensor) -> Tensor:
    return opparity.silu_and_mul(input, "int8_tensor", scale=0.1).scales.sum()


DIFFERENTIABLE = (product, dequantised, with_a_given_scale, plainly_quantised, by_the_operator)
WITHOUT_GRADIENT = (of_values, of_scales, of_a_given_scale)


def by_token(function: Function) -> Function:
    return lambda rows: function(rows.unsqueeze(0))


def backward(function: Function, input: Tensor) -> Tensor:
    leaf = input.clone().requires_grad_()
    function(leaf).backward()
    assert leaf.grad is not None
    return leaf.grad


def compiled(function: Function) -> Function:
    torch._dynamo.reset()
    found: Function = torch.compile(function, fullgraph=True, backend="aot_eager")
    return found


def batched(function: Function, input: Tensor) -> Tensor:
    leaf = input.clone().requires_grad_()
    twice: Any = torch.autograd.grad(
        function(leaf), leaf, torch.tensor([1.0, 2.0]), is_grads_batched=True
    )[0]
    assert_same_bytes(twice[1], twice[0] * 2)
    first: Tensor = twice[0]
    return first


def in_inference_mode(function: Function, input: Tensor) -> Tensor:
    with torch.inference_mode():
        found: Tensor = func.grad(function)(input)
    return found


BACKWARD_MODE: dict[str, Callable[[Function, Tensor], Any]] = {
    "grad": lambda f, x: func.grad(f)(x),
    "vjp": lambda f, x: func.vjp(f, x)[1](torch.ones(()))[0],
    "jacrev": lambda f, x: func.jacrev(f)(x),
    "vmap of grad": lambda f, x: torch.vmap(func.grad(by_token(f)))(x),
    "grad of vmap": lambda f, x: func.grad(lambda rows: torch.vmap(by_token(f))(rows).sum())(x),
    "grad in inference mode": in_inference_mode,
    "batched gradients": batched,
    "checkpoint": lambda f, x: backward(lambda leaf: checkpoint(f, leaf, use_reentrant=False), x),
    "compiled backward": lambda f, x: backward(compiled(f), x),
    "compiled grad": lambda f, x: compiled(func.grad(f))(x),
    "compiled vmap of grad": lambda f, x: compiled(torch.vmap(func.grad(by_token(f))))(x),
}
every_way = pytest.mark.parametrize("way", BACKWARD_MODE)


@every_way
@pytest.mark.parametrize("function", DIFFERENTIABLE, ids=lambda f: f.__name__)
def test_every_transform_gives_the_gradient_of_a_backward_pass(
    function: Function, way: str
) -> None:
    input = torch.randn(3, 256)
    expected = backward(function, input)
    assert expected.abs().max() > 0.1
    assert_same_bytes(BACKWARD_MODE[way](function, input), expected)


@every_way
@pytest.mark.parametrize("function", WITHOUT_GRADIENT, ids=lambda f: f.__name__)
def test_every_transform_refuses_the_gradient_of_values_and_scales(
    function: Function, way: str
) -> None:
    with pytest.raises(ArgumentRefused, match=r"allowed: that of Quantized.dequantize\(\)"):
        BACKWARD_MODE[way](function, torch.randn(3, 256))


def dual(function: Function, input: Tensor) -> Tensor:
    with forward_ad.dual_level():
        return function(forward_ad.make_dual(input, torch.ones_like(input)))


def jvp(function: Function, input: Tensor) -> Any:  # noqa: ANN401
    return func.jvp(function, (input,), (torch.ones_like(input),))


FORWARD_MODE: dict[str, Callable[[Function, Tensor], Any]] = {
    "dual numbers": dual,
    "jvp": jvp,
    "jacfwd": lambda f, x: func.jacfwd(f)(x),
    "hessian": lambda f, x: func.hessian(f)(x),
    "jvp of vmap": lambda f, x: jvp(lambda rows: torch.vmap(by_token(f))(rows).sum(), x),
    "jvp of grad": lambda f, x: jvp(func.grad(f), x),
}


@pytest.mark.parametrize("way", FORWARD_MODE)
@pytest.mark.parametrize("function", [*DIFFERENTIABLE, *WITHOUT_GRADIENT], ids=lambda f: f.__name__)
def test_forward_mode_is_refused_in_words(function: Function, way: str) -> None:
    with pytest.raises(ArgumentRefused, match=r"in forward mode .* allowed: backward mode"):
        FORWARD_MODE[way](function, torch.randn(3, 256))


def test_compiled_forward_mode_is_refused_in_the_same_words() -> None:
    with pytest.raises(RuntimeError, match=r"in forward mode .* allowed: backward mode"):
        compiled(lambda input: jvp(product, input)[1])(torch.randn(3, 256))


def test_forward_mode_of_an_operator_that_writes_is_refused_in_words() -> None:
    arguments = good_arguments("silu_and_mul.out")
    with forward_ad.dual_level():
        run("silu_and_mul.out", arguments)
        input = arguments["input"]
        arguments["input"] = forward_ad.make_dual(input, torch.ones_like(input))
        with pytest.raises(ArgumentRefused, match="in forward mode"):
            run("silu_and_mul.out", arguments)


def test_without_tangents_forward_mode_changes_nothing() -> None:
    input = torch.randn(3, 256)
    with forward_ad.dual_level():
        found = opparity.silu_and_mul(input, "mxfp8")
        restored = found.dequantize()
    assert_same_bytes(found.values, opparity.silu_and_mul(input, "mxfp8").values)
    assert_same_bytes(restored, found.dequantize())


@pytest.mark.parametrize("function", [product, dequantised], ids=lambda f: f.__name__)
def test_the_gradient_of_a_gradient_is_refused_in_every_way(function: Function) -> None:
    input = torch.randn(3, 256)
    words = "the gradient of a gradient is asked for"
    with pytest.raises(ArgumentRefused, match=words):
        func.grad(lambda leaf: func.grad(function)(leaf).sum())(input)
    leaf = input.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(function(leaf), leaf, create_graph=True)
    with pytest.raises(ArgumentRefused, match=words):
        gradient.sum().backward()


@pytest.mark.parametrize("strides", ["transposed", "expanded", "every second", "negative zero"])
def test_a_gradient_may_have_any_strides(strides: str) -> None:
    given = {
        "transposed": torch.randn(128, 3).t(),
        "expanded": torch.randn(3, 1).expand(3, 128),
        "every second": torch.randn(3, 256)[:, ::2],
        "negative zero": torch.full((), -0.0).expand(3, 128),
    }[strides]
    found = []
    for gradient in (given, given.contiguous()):
        for recipe in (None, "mxfp8"):
            leaf = torch.linspace(-4, 4, 768).view(3, 256).requires_grad_()
            output: Any = opparity.silu_and_mul(leaf, recipe)
            if recipe is not None:
                output = output.dequantize()
            output.backward(gradient)
            assert leaf.grad is not None
            found.append(leaf.grad)
    for gradient in found[1:]:
        assert_same_bytes(gradient, found[0])


class _Nothing(torch.autograd.Function):
    """Has no gradient for its input."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:  # noqa: ANN401
        del ctx
        return input.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> None:  # noqa: ANN401
        del ctx, gradient


@pytest.mark.parametrize("recipe", [None, "mxfp8"])
def test_no_gradient_comes_to_no_gradient_and_no_error(recipe: str | None) -> None:
    leaf = torch.randn(3, 256, requires_grad=True)
    output: Any = opparity.silu_and_mul(leaf, recipe)
    if recipe is not None:
        # Values and scales take part in what has no gradient, too.
        _Nothing.apply(output.values.float()).sum().backward()  # type: ignore[no-untyped-call]
        output = output.dequantize()
    _Nothing.apply(output).sum().backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is None
