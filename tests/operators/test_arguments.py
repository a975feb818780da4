"""Bad arguments: refused with the same words by every implementation, and nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

import opparity
from operator_calls import OPERATOR
from opparity import providers
from opparity.errors import ArgumentRefused

if TYPE_CHECKING:
    from collections.abc import Callable

PROVIDERS = ("native", "reference")


@dataclass
class Call:
    """A good call, to be spoiled."""

    out: Tensor
    input: Tensor
    scales: Tensor
    group_size: int = 64
    scale_ub: Tensor | None = None
    is_scale_transposed: bool = False
    intermediate: str = "float32"

    def run(self) -> None:
        OPERATOR.intermediate(
            self.out,
            self.input,
            self.scales,
            self.group_size,
            self.scale_ub,
            self.is_scale_transposed,
            self.intermediate,
        )


def good() -> Call:
    out = torch.full((3, 128), 0x55, dtype=torch.uint8).view(torch.float8_e4m3fn)
    return Call(out, torch.ones(3, 256, dtype=torch.bfloat16), torch.full((3, 2), -1.0))


def change(**fields: object) -> Callable[[Call], None]:
    def apply(call: Call) -> None:
        for name, value in fields.items():
            setattr(call, name, value)

    return apply


def bound(value: float) -> Callable[[Call], None]:
    return change(scale_ub=torch.tensor(value))


SPOILERS: dict[str, tuple[Callable[[Call], None], str]] = {
    "input of one dimension": (
        change(input=torch.ones(256)),
        "input has 1 dimensions; allowed: 2, [num_tokens, 2 * hidden_size]; flatten the leading",
    ),
    "input of three dimensions": (
        change(input=torch.ones(1, 3, 256)),
        "input has 3 dimensions; allowed: 2",
    ),
    "input of float64": (
        change(input=torch.ones(3, 256, dtype=torch.float64)),
        "input has dtype float64; allowed: float16, bfloat16, float32; cast it",
    ),
    "input of int8": (
        change(input=torch.ones(3, 256, dtype=torch.int8)),
        "input has dtype int8; allowed",
    ),
    "odd width": (change(input=torch.ones(3, 255)), "input is 255 wide; allowed: an even width"),
    "no width": (change(input=torch.ones(3, 0)), "input is 0 wide; allowed: an even width"),
    "input's last dimension with gaps": (
        change(input=torch.ones(3, 512)[:, ::2]),
        "input's last dimension has stride 2; allowed: 1; call contiguous()",
    ),
    "group_size of 48": (change(group_size=48), "group_size is 48; allowed: 16, 32, 64, 128, 256"),
    "group_size of 0": (change(group_size=0), "group_size is 0; allowed: 16, 32, 64, 128, 256"),
    "negative group_size": (change(group_size=-64), "group_size is -64; allowed: 16, 32"),
    "width not of whole groups": (
        change(input=torch.ones(3, 2 * 96)),
        "hidden_size is 96; allowed: a multiple of group_size 64; pad the projection to 128 or",
    ),
    "out of another shape": (
        change(out=torch.empty(3, 64, dtype=torch.int8)),
        "out has shape [3, 64]; allowed: [3, 128], [num_tokens, hidden_size]; allocate it so",
    ),
    "out with another number of tokens": (
        change(out=torch.empty(2, 128, dtype=torch.int8)),
        "out has shape [2, 128]; allowed: [3, 128]",
    ),
    "out of one dimension": (
        change(out=torch.empty(384, dtype=torch.int8)),
        "out has shape [384]; allowed: [3, 128]",
    ),
    "out of float32": (
        change(out=torch.empty(3, 128)),
        "out has dtype float32; allowed: float8_e4m3fn, float8_e4m3fnuz, int8; allocate it so",
    ),
    "out of E5M2": (
        change(out=torch.empty(3, 128, dtype=torch.float8_e5m2)),
        "out has dtype float8_e5m2; allowed: float8_e4m3fn",
    ),
    "out with gaps": (
        change(out=torch.empty(3, 256, dtype=torch.int8)[:, ::2]),
        "out has strides [256, 2]; allowed: 1 in the last dimension and at least 128 in the first",
    ),
    "out's rows in one place": (
        change(out=torch.empty(1, 128, dtype=torch.int8).expand(3, 128)),
        "out has strides [0, 1]; allowed: 1 in the last dimension and at least 128",
    ),
    "scales of float16": (
        change(scales=torch.empty(3, 2, dtype=torch.float16)),
        "scales has dtype float16; allowed: float32; allocate it so",
    ),
    "scales of another shape": (
        change(scales=torch.empty(3, 3)),
        "scales has shape [3, 3]; allowed: [3, 2], [num_tokens, num_groups]; allocate it so",
    ),
    "scales of one dimension": (
        change(scales=torch.empty(6)),
        "scales has shape [6]; allowed: [3, 2]",
    ),
    "scales by groups without saying so": (
        change(scales=torch.empty(2, 3)),
        "scales has shape [2, 3]; allowed: [3, 2]",
    ),
    "transposed scales of another shape": (
        change(scales=torch.empty(4, 3), is_scale_transposed=True),
        "scales has shape [4, 3]; allowed: [2, 3], [num_groups, num_tokens], or the transposed",
    ),
    "transposed scales that are not": (
        change(scales=torch.empty(3, 2), is_scale_transposed=True),
        "scales has strides [2, 1] and is_scale_transposed is True; allowed: a group's scales next",
    ),
    "scales in one place": (
        change(scales=torch.empty(1, 2).expand(3, 2)),
        "scales has strides [0, 1], so that elements share memory; allowed: a place for each",
    ),
    "scales that overlap": (
        change(scales=torch.empty(8).as_strided((3, 2), (1, 1))),
        "scales has strides [1, 1], so that elements share memory",
    ),
    "scale_ub of float64": (
        change(scale_ub=torch.tensor(1.0, dtype=torch.float64)),
        "scale_ub has dtype float64; allowed: float32; cast it",
    ),
    "scale_ub of two elements": (
        change(scale_ub=torch.ones(2)),
        "scale_ub has 2 elements; allowed: 1; give one bound for all",
    ),
    "intermediate of another name": (
        change(intermediate="bfloat16"),
        "intermediate is 'bfloat16'; allowed: float32, input_dtype; choose one",
    ),
    "scale_ub of NaN": (bound(float("nan")), "scale_ub is nan; allowed: a number above 0"),
    "scale_ub of zero": (bound(0.0), "scale_ub is 0; allowed: a number above 0; leave it out"),
    "negative scale_ub": (bound(-1.5), "scale_ub is -1.5; allowed: a number above 0"),
}
NEEDS_DATA = ("scale_ub of NaN", "scale_ub of zero", "negative scale_ub")


@pytest.mark.parametrize("name", SPOILERS)
def test_each_mistake_gets_the_same_words_everywhere_and_nothing_is_written(name: str) -> None:
    spoil, beginning = SPOILERS[name]
    messages = []
    for provider in PROVIDERS:
        call = good()
        out, scales = call.out, call.scales
        spoil(call)
        with providers(force=provider), pytest.raises(RuntimeError) as caught:
            call.run()
        messages.append(str(caught.value))
        assert (out.view(torch.uint8) == 0x55).all()
        assert (scales == -1).all()
    assert messages[0] == messages[1]
    assert messages[0].startswith(f"silu_and_mul_per_block_quant: {beginning}")
    assert "; allowed: " in messages[0]


@pytest.mark.parametrize("name", [name for name in SPOILERS if name not in NEEDS_DATA])
def test_each_mistake_that_needs_no_data_is_found_on_fake_tensors(name: str) -> None:
    spoil, beginning = SPOILERS[name]
    call = good()
    spoil(call)
    with FakeTensorMode() as mode:
        for field in ("out", "input", "scales", "scale_ub"):
            tensor = getattr(call, field)
            if tensor is not None:
                setattr(call, field, mode.from_tensor(tensor))
        with pytest.raises(ArgumentRefused, match="silu_and_mul_per_block_quant") as caught:
            call.run()
    assert str(caught.value).startswith(f"silu_and_mul_per_block_quant: {beginning}")


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("first", "second"),
    [("out", "input"), ("out", "scales"), ("scales", "input"), ("out", "scale_ub")],
)
def test_outputs_that_share_memory_with_another_tensor_are_refused(
    provider: str, first: str, second: str
) -> None:
    memory = torch.zeros(4096, dtype=torch.uint8)
    call = good()
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
    for name in (first, second):
        setattr(call, name, views[name])
    before = memory.clone()
    with (
        providers(force=provider),
        pytest.raises(RuntimeError, match=f"{first} and {second} share memory; allowed: separate"),
    ):
        call.run()
    assert torch.equal(memory, before)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_neighbours_in_one_buffer_do_not_overlap(provider: str) -> None:
    memory = torch.zeros(4096, dtype=torch.uint8)
    call = good()
    call.out = memory[:384].view(torch.float8_e4m3fn).view(3, 128)
    call.scales = memory[384:408].view(torch.float32).view(3, 2)
    call.input = memory[408 : 408 + 1536].view(torch.bfloat16).view(3, 256)
    call.input.fill_(1.0)
    with providers(force=provider):
        call.run()
    assert (memory[:384] == 0x7E).all()


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), 2.0**-150])
def test_the_function_refuses_a_number_as_bound_that_is_not_above_zero(value: float) -> None:
    with pytest.raises(ArgumentRefused, match=r"scale_ub is .*; allowed: a number above 0"):
        opparity.silu_and_mul_per_block_quant(torch.ones(1, 256), scale_ub=value)


def test_the_function_names_an_empty_last_dimension() -> None:
    with pytest.raises(RuntimeError, match="input is 0 wide; allowed: an even width"):
        opparity.silu_and_mul_per_block_quant(torch.ones(2, 3, 0))


def test_the_functions_errors_are_value_errors_too() -> None:
    for input, group_size in ((torch.tensor(1.0), 128), (torch.ones(1, 256), 0)):
        with pytest.raises(ValueError, match="allowed"):
            opparity.silu_and_mul_per_block_quant(input, group_size)
