"""Bad arguments: refused with the same words by every implementation, and nothing is written."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from mistakes.mistake import BLOCK, Mistake
from mistakes.table import MISTAKES
from operator_calls import BY_NAME, bytes_of, good_arguments, run
from opparity import providers
from opparity.errors import ArgumentRefused
from opparity.formats import RECIPES, ScaleLayout
from opparity.operators import OPERATORS
from opparity.operators.declaration import Role

PROVIDERS = ("native", "reference")
every_mistake = pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)


@every_mistake
@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_mistake_gets_the_same_words_everywhere_and_nothing_is_written(
    provider: str, mistake: Mistake
) -> None:
    arguments = mistake.arguments()
    if any(isinstance(a, Tensor) and a.device.type == "meta" for a in arguments.values()):
        # torch hands a call with a meta tensor to the fake, whatever the others are on.
        arguments["input"] = arguments["input"].cpu()
    before = {n: bytes_of(t) for n, t in _written(mistake.operator, arguments).items()}
    with providers(force=provider), pytest.raises(RuntimeError) as caught:
        run(mistake.operator, arguments)
    assert str(caught.value).startswith(f"{BY_NAME[mistake.operator].name}: {mistake.words}")
    assert "; allowed: " in str(caught.value)
    for name, tensor in _written(mistake.operator, arguments).items():
        assert torch.equal(bytes_of(tensor), before[name])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_experts_scales_without_their_memory_are_refused(provider: str) -> None:
    """A part of them is looked at, which torch does not make of too small a storage."""
    arguments = good_arguments("quantize_experts.out", RECIPES["mxfp8"])
    needed = arguments["scales"].numel()
    arguments["scales"].untyped_storage().resize_(needed - 1)
    with (
        providers(force=provider),
        pytest.raises(RuntimeError, match=f"scales needs {needed} bytes of a storage that has"),
    ):
        run("quantize_experts.out", arguments)


def test_a_result_that_fits_in_no_memory_is_refused_in_words(
    capfd: pytest.CaptureFixture[str],
) -> None:
    arguments = good_arguments("silu_and_mul", RECIPES["fp8_block"])
    arguments["input"] = torch.ones(2, dtype=torch.bfloat16).expand(1 << 50, 2)
    with providers(force="native"), pytest.raises(RuntimeError) as caught:
        run("silu_and_mul", arguments)
    said = str(caught.value)
    assert said.startswith(
        "silu_and_mul: a result has shape [1125899906842624, 1] and dtype float8_e4m3fn, which "
        "torch cannot allocate"
    )
    assert said.endswith(
        "; allowed: what fits in the device's memory; split the call, or start a new process if an "
        "earlier call has failed on the device"
    )
    # The device may have failed for another reason, so torch's own words are told.
    in_words = "can't allocate memory: you tried to allocate 1125899906842624 bytes"
    assert in_words in said or (
        "(it prints why to stderr)" in said and in_words in capfd.readouterr().err
    )
    assert "\n" not in said
    assert ".cpp:" not in said


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("step", [1, 2, 4])
def test_the_padding_of_a_single_tokens_words_ends_with_them(provider: str, step: int) -> None:
    """Its step leads nowhere, and may be any number."""
    memory = torch.full((12,), 0x55555555, dtype=torch.int32)
    recipe = RECIPES["mxfp8"].with_layout(ScaleLayout.PACKED)
    arguments = good_arguments("quantize.out", recipe) | {
        "input": torch.ones(1, 128),
        "values": torch.empty(1, 128, dtype=torch.float8_e4m3fn),
        "scales": memory.as_strided((1, 1), (step, 4), 4),
    }
    # Three groups of four, so that a byte of the word is padding.
    arguments["input"], arguments["values"] = (
        arguments[name][:, :96].contiguous() for name in ("input", "values")
    )
    with providers(force=provider):
        run("quantize.out", arguments)
    assert memory[4] >> 24 == 0
    memory[4] = 0x55555555
    assert (memory == 0x55555555).all()


def test_gradients_are_contiguous_whatever_was_given() -> None:
    """As torch.compile is told by the fake."""
    memory = torch.randn(200)
    for provider in PROVIDERS:
        with providers(force=provider):
            plain = torch.ops.opparity.relu_squared_backward(
                memory.as_strided((5, 8), (1, 1)), memory[:40].view(5, 8)
            )
            assert plain.is_contiguous()
            for found in torch.ops.opparity.rms_norm_backward(
                memory.as_strided((5, 8), (1, 1)), memory.as_strided((5, 8), (3, 1)), None
            ):
                assert found.is_contiguous()


GIVEN_NUMBERS = [
    pytest.param(name, argument.name, id=f"{name} {argument.name}")
    for name, operator in BY_NAME.items()
    for argument in operator.arguments
    if argument.role in (Role.SCALE, Role.SCALE_UB)
]


@pytest.mark.parametrize(("operator", "argument"), GIVEN_NUMBERS)
def test_one_number_of_any_shape_is_the_same_to_every_provider(
    operator: str, argument: str
) -> None:
    """Three dimensions of one are one number, and what is refused is so by both."""
    for dimensions in (0, 1, 2, 3):
        native, reference = (_outcome(operator, argument, dimensions, p) for p in PROVIDERS)
        assert native == reference, dimensions
        if argument == "scale_ub":
            assert native == _outcome(operator, argument, 0, "reference")


def _outcome(operator: str, argument: str, dimensions: int, provider: str) -> list[Any]:
    arguments = good_arguments(operator) | {argument: torch.full([1] * dimensions, 0.5)}
    with providers(force=provider):
        try:
            found = run(operator, arguments)
        except RuntimeError as error:
            return [str(error)]
    returned = [found] if isinstance(found, Tensor) else [*(found or ())]
    tensors = [*returned, *_written(operator, arguments).values()]
    return [bytes_of(tensor).tolist() for tensor in tensors]


def _written(operator: str, arguments: dict[str, Any]) -> dict[str, Tensor]:
    return {
        argument.name: arguments[argument.name]
        for argument in BY_NAME[operator].arguments
        if argument.role in (Role.VALUES, Role.SCALES)
        and arguments[argument.name].device.type == "cpu"
    }


@pytest.mark.parametrize(
    "mistake", [m for m in MISTAKES if not m.needs_data], ids=lambda mistake: mistake.what
)
def test_each_mistake_that_needs_no_data_is_found_on_fake_tensors(mistake: Mistake) -> None:
    with FakeTensorMode() as mode:
        arguments = {
            name: mode.from_tensor(value) if isinstance(value, Tensor) else value
            for name, value in mistake.arguments().items()
        }
        with pytest.raises(ArgumentRefused) as caught:
            run(mistake.operator, arguments)
    assert str(caught.value).startswith(f"{BY_NAME[mistake.operator].name}: {mistake.words}")


def test_each_kind_of_operator_has_a_mistake() -> None:
    assert {m.operator for m in MISTAKES} <= set(BY_NAME)
    covered = {(BY_NAME[m.operator].direction, BY_NAME[m.operator].mutates) for m in MISTAKES}
    assert covered == {(o.direction, o.mutates) for o in OPERATORS}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("first", "second"),
    [("out", "input"), ("out", "scales"), ("scales", "input"), ("out", "scale_ub")],
)
def test_outputs_that_share_memory_with_another_tensor_are_refused(
    provider: str, first: str, second: str
) -> None:
    memory = torch.zeros(4096, dtype=torch.uint8)
    arguments = good_arguments(BLOCK)
    views = {
        "out": memory[:384].view(torch.float8_e4m3fn).view(3, 128),
        # The last bytes of out lie inside.
        "input": memory[380 : 380 + 1536].view(torch.bfloat16).view(3, 256),
        "scales": memory[380 : 380 + 24].view(torch.float32).view(3, 2),
        "scale_ub": memory[380:384].view(torch.float32),
    }
    if (first, second) == ("scales", "input"):
        views["input"] = memory[400 : 400 + 1536].view(torch.bfloat16).view(3, 256)
    memory[380:384].view(torch.float32).fill_(1.0)
    arguments |= {name: views[name] for name in (first, second)}
    before = memory.clone()
    with (
        providers(force=provider),
        pytest.raises(RuntimeError, match=f"{first} and {second} share memory; allowed: separate"),
    ):
        run(BLOCK, arguments)
    assert torch.equal(memory, before)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_neighbours_in_one_buffer_do_not_overlap(provider: str) -> None:
    memory = torch.zeros(4096, dtype=torch.uint8)
    arguments = good_arguments(BLOCK) | {
        "out": memory[:384].view(torch.float8_e4m3fn).view(3, 128),
        "scales": memory[384:408].view(torch.float32).view(3, 2),
        "input": memory[408 : 408 + 1536].view(torch.bfloat16).view(3, 256),
    }
    arguments["input"].fill_(1.0)
    with providers(force=provider):
        run(BLOCK, arguments)
    assert (memory[:384] == 0x7E).all()
