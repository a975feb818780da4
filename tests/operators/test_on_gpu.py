"""What only a GPU can show. Every provider of the table that serves the GPU is tried."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor

import opparity
from nvrtc_kernels import Kernel, compile_kernel
from operator_calls import (
    INTERMEDIATES,
    OPERATOR,
    VALUE_DTYPES,
    assert_same_bytes,
    bytes_of,
    every_pattern,
    quantise,
    run_case,
)
from opparity import Intermediate, ScaleLayout, providers
from opparity.formats import GROUP_SIZES, RECIPES, accepted_recipes
from opparity.formats import INPUT_DTYPES as INPUT_NAMES
from opparity.operators import ELEMENTWISE, IMPLEMENTATIONS, general_name, sums_name
from opparity.operators.case import Case, given_scale
from opparity.operators.cases import cases
from opparity.operators.fillings import Filling, make_input
from opparity.platforms import Platform

if TYPE_CHECKING:
    from pathlib import Path

    from opparity.operators.declaration import Producer

pytestmark = pytest.mark.gpu

GPU_PROVIDERS = [
    implementation.provider
    for implementation in IMPLEMENTATIONS
    if implementation.platforms & {Platform.CUDA, Platform.ROCM}
]
# Nearly every golden case compiles a kernel of its own: in one process it takes four minutes.
PARTS = 16
every_provider = pytest.mark.parametrize("provider", GPU_PROVIDERS)


def assert_equal_to_the_cpu(
    provider: str,
    input: Tensor,
    group_size: int,
    *,
    dtype: torch.dtype = torch.float8_e4m3fn,
    scale_ub: float | None = None,
    intermediate: str = "float32",
    is_scale_transposed: bool = False,
) -> None:
    got = quantise(
        provider,
        input.cuda(),
        group_size,
        dtype=dtype,
        scale_ub=scale_ub,
        intermediate=intermediate,
        is_scale_transposed=is_scale_transposed,
    )
    expected = quantise(
        "native", input, group_size, dtype=dtype, scale_ub=scale_ub, intermediate=intermediate
    )
    assert_same_bytes(got[0], expected[0])
    assert_same_bytes(got[1], expected[1])


def assert_same_case(provider: str, case: Case) -> None:
    got = run_case(provider, case, torch.device("cuda"))
    expected = run_case("native", case)
    assert_same_bytes(got[0], expected[0])
    assert_same_bytes(got[1], expected[1])


@every_provider
@pytest.mark.parametrize("part", range(PARTS))
def test_golden_cases_of_every_operator(provider: str, part: int) -> None:
    for case in cases()[:: 1 if provider == "native" else 7][part::PARTS]:
        assert_same_case(provider, case)


@every_provider
@pytest.mark.parametrize("producer", ELEMENTWISE, ids=lambda producer: producer.name)
def test_every_producer_in_every_format_and_any_width(provider: str, producer: Producer) -> None:
    recipes = sorted(set(accepted_recipes().values()), key=str)
    for number, recipe in enumerate(recipes[:: 3 if provider == "native" else 29]):
        case = Case(
            general_name(producer),
            (Filling.ACTIVATIONS, Filling.PATTERNS)[number % 2],
            (1, 3, 37, 130)[number % 4],
            (2048, 8, 776, 520)[number // 4 % 4],
            INPUT_NAMES[number % 3],
            recipe,
            tuple(Intermediate)[number // 3 % 3],
            interleaved=producer.gated and number % 5 == 0,
            scale=given_scale(recipe),
            seed=number,
        )
        assert_same_case(provider, case)


@every_provider
@pytest.mark.parametrize("producer", ELEMENTWISE, ids=lambda producer: producer.name)
def test_sums_of_any_width_in_every_shape_of_a_launch(provider: str, producer: Producer) -> None:
    names = ("int8_token", "none", "fp8_block", "fp8_token", "mxfp8", "nvfp4", "fp8_tensor")
    # A warp's row, those that a block keeps and reads again, few rows with a thread for each piece,
    # odd ones, and many elements.
    sizes = ((130, 1024), (64, 12288), (5, 18432), (33, 7168), (37, 302), (1, 8), (1792, 4096))
    for number, (name, size) in enumerate(product(names, sizes)):
        case = Case(
            sums_name(producer),
            (Filling.ACTIVATIONS, Filling.PATTERNS)[number % 2],
            *size,
            INPUT_NAMES[number % 3],
            RECIPES[name],
            tuple(Intermediate)[number // 3 % 3],
            interleaved=producer.gated and number % 5 == 0,
            scale=given_scale(RECIPES[name]),
            seed=number,
        )
        assert_same_case(provider, case)


@every_provider
@pytest.mark.parametrize("producer", ELEMENTWISE, ids=lambda producer: producer.name)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_every_sixteen_bit_gate_of_every_producer_and_slope(
    provider: str, producer: Producer, dtype: str
) -> None:
    name, none = general_name(producer), RECIPES["none"]
    assert_same_case(provider, Case(name, Filling.EVERY_GATE, 64, 1024, dtype, none))
    if producer.name != "identity":
        slope = Case(f"{name}_backward", Filling.EVERY_GATE, 64, 1024, dtype, none)
        assert_same_case(provider, slope)


@every_provider
@pytest.mark.parametrize("producer", ELEMENTWISE, ids=lambda producer: producer.name)
def test_inputs_that_are_large_enough_for_tables(provider: str, producer: Producer) -> None:
    recipes = [RECIPES[name] for name in ("fp8_block", "nvfp4", "fp8_tensor", "none")]
    fillings = (Filling.EVERY_GATE, Filling.ACTIVATIONS, Filling.SPECIAL)
    for number, (recipe, filling) in enumerate(product(recipes, fillings)):
        case = Case(
            general_name(producer),
            filling,
            1792,
            4096,
            "bfloat16",
            recipe,
            tuple(Intermediate)[number % 3],
            interleaved=producer.gated and number // 3 % 2 == 1,
            scale=given_scale(recipe),
            seed=number,
        )
        assert_same_case(provider, case)


@every_provider
@pytest.mark.parametrize("intermediate", INTERMEDIATES)
@pytest.mark.parametrize("dtype", VALUE_DTYPES, ids=str)
@pytest.mark.parametrize("gate_dtype", [torch.float16, torch.bfloat16], ids=str)
def test_every_sixteen_bit_gate_and_every_sixteen_bit_up(
    provider: str, gate_dtype: torch.dtype, dtype: torch.dtype, intermediate: str
) -> None:
    patterns = every_pattern(gate_dtype).view(-1, 1024)
    shuffled = patterns.flatten()[torch.randperm(1 << 16)].view(-1, 1024)
    for gate, up in ((patterns, torch.ones_like(patterns)), (shuffled, patterns)):
        input = torch.cat((gate, up), dim=1)
        assert_equal_to_the_cpu(provider, input, 64, dtype=dtype, intermediate=intermediate)


@every_provider
@pytest.mark.parametrize("filling", [f for f in Filling if f is not Filling.EVERY_GATE])
@pytest.mark.parametrize("name", INPUT_NAMES)
def test_shapes_formats_and_fillings(provider: str, name: str, filling: Filling) -> None:
    for group_size in GROUP_SIZES:
        for num_tokens, num_groups in ((1, 4), (3, 7), (130, 5), (17, 56)):
            width = 1024 if filling is Filling.SPECIAL else num_groups * group_size
            input = make_input(filling, num_tokens, width, name, group_size + num_tokens)
            for dtype in VALUE_DTYPES:
                for bound, intermediate, transposed in (
                    (None, "float32", False),
                    (0.003, "input_dtype", True),
                ):
                    assert_equal_to_the_cpu(
                        provider,
                        input,
                        group_size,
                        dtype=dtype,
                        scale_ub=bound,
                        intermediate=intermediate,
                        is_scale_transposed=transposed,
                    )


@every_provider
def test_random_float32_bits(provider: str) -> None:
    for seed in range(4):
        input = make_input(Filling.FINITE_PATTERNS, 256, 4096, "float32", seed)
        assert_equal_to_the_cpu(provider, input, 16)
        assert_equal_to_the_cpu(provider, input, 16, dtype=torch.int8)


@every_provider
@pytest.mark.parametrize("dtype", VALUE_DTYPES, ids=str)
def test_row_strides_are_honoured_and_nothing_beside_is_written(
    provider: str, dtype: torch.dtype
) -> None:
    wide = make_input(Filling.ACTIVATIONS, 7, 640, "bfloat16", 3)
    expected = quantise("reference", wide[:, 256:768].contiguous(), 64, dtype=dtype)
    for first in (256, 255, 250):
        # Rows that begin at any address, too few bytes aligned for wide loads.
        memory = torch.zeros(7, 1400, dtype=torch.bfloat16, device="cuda")
        memory[:, first : first + 512] = wide[:, 256:768].cuda()
        out = torch.full((7, 403), 0x55, dtype=torch.uint8, device="cuda")
        scales = torch.full((7, 3, 4), -1.0, device="cuda")
        with providers(force=provider):
            OPERATOR(
                out.view(dtype)[:, 101:357], memory[:, first : first + 512], scales[:, 1, :], 64
            )
        assert_same_bytes(out.view(dtype)[:, 101:357], expected[0])
        assert_same_bytes(scales[:, 1, :], expected[1])
        assert bool((out[:, :101] == 0x55).all())
        assert bool((out[:, 357:] == 0x55).all())
        assert bool((scales[:, 0] == -1).all())
        assert bool((scales[:, 2] == -1).all())


@every_provider
@pytest.mark.parametrize("value", [float("nan"), 0.0, -1.0])
def test_a_bound_that_is_not_above_zero_makes_every_scale_nan(provider: str, value: float) -> None:
    values, scales = quantise(provider, torch.ones(2, 256).cuda(), 64, scale_ub=value)
    assert (scales.view(torch.int32) == 0x7FC00000).all()
    assert (values.view(torch.uint8) == 0x7F).all()


@every_provider
def test_more_than_two_to_the_31_elements(provider: str) -> None:
    num_tokens, width = 61_700, 34_816
    if torch.cuda.mem_get_info()[0] < 12 << 30:
        pytest.fail("12 GiB of free GPU memory are needed; free some")
    input = torch.empty(num_tokens, width, dtype=torch.bfloat16, device="cuda")
    assert input.numel() > 1 << 31
    part = make_input(Filling.ACTIVATIONS, 100, width // 2, "bfloat16", 1)
    input.view(617, 100, width).copy_(part.cuda())
    with providers(force=provider):
        out, scales = opparity.silu_and_mul_per_block_quant(input)
    expected = quantise("native", part, 128)
    for start in (0, 30_800, 61_600):
        assert_same_bytes(out[start : start + 100], expected[0])
        assert_same_bytes(scales[start : start + 100], expected[1])
    rows = out.view(torch.uint8).view(617, 100, width // 2)
    assert bool((rows == rows[:1]).all())


@every_provider
def test_captured_in_a_graph_and_replayed_on_new_input(provider: str) -> None:
    first = make_input(Filling.ACTIVATIONS, 64, 2048, "bfloat16", 1)
    second = make_input(Filling.ACTIVATIONS, 64, 2048, "bfloat16", 2)
    input = first.cuda()
    with providers(force=provider):
        opparity.silu_and_mul_per_block_quant(input)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            values, scales = opparity.silu_and_mul_per_block_quant(input)
    for next_input in (second, first):
        input.copy_(next_input.cuda())
        graph.replay()
        expected = quantise("native", next_input, 128)
        assert_same_bytes(values, expected[0])
        assert_same_bytes(scales, expected[1])


@every_provider
def test_on_another_stream_it_runs_after_that_streams_work(provider: str) -> None:
    source = make_input(Filling.ACTIVATIONS, 512, 4096, "bfloat16", 3).cuda()
    input = torch.zeros_like(source)
    torch.cuda.synchronize()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream), providers(force=provider):
        torch.cuda._sleep(20_000_000)
        input.copy_(source)
        values, scales = opparity.silu_and_mul_per_block_quant(input)
    stream.synchronize()
    expected = quantise("native", source.cpu(), 128)
    assert_same_bytes(values, expected[0])
    assert_same_bytes(scales, expected[1])


@every_provider
@pytest.mark.parametrize("num_tokens", [1, 16, 300, 4096])
def test_each_call_of_a_chain_reads_what_the_kernel_before_it_wrote(
    provider: str, num_tokens: int
) -> None:
    # Launches may overlap (native/overlap.cuh): each call's codes are the next call's input, no
    # kernel runs between them, and the first call's input is overwritten for the next round.
    def room(device: str) -> list[Tensor]:
        tensors = []
        for width in (4096, 1024, 256):
            tensors.append(torch.empty(num_tokens, width, dtype=torch.uint8, device=device))
            tensors.append(torch.empty(num_tokens, width // 64, device=device))
        return tensors

    def chain(input: Tensor, name: str, tensors: list[Tensor]) -> None:
        with providers(force=name):
            for codes, scales in zip(tensors[::2], tensors[1::2], strict=True):
                OPERATOR(codes.view(torch.float8_e4m3fn), input, scales, 64)
                input = codes.view(torch.bfloat16)

    rounds = [make_input(Filling.ACTIVATIONS, num_tokens, 4096, "bfloat16", i) for i in range(3)]
    expected = [room("cpu") for _ in rounds]
    for input, tensors in zip(rounds, expected, strict=True):
        chain(input, "native", tensors)
    on_device = [input.cuda() for input in rounds]
    input, kept = on_device[0].clone(), torch.empty_like(on_device[0])
    eager, captured = room("cuda"), room("cuda")
    chain(input, provider, eager)
    torch.cuda.synchronize()
    graph, side = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    with torch.cuda.graph(graph):
        # A branch that another stream takes, and a copy that the chain waits for.
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            kept.copy_(input)
        torch.cuda.current_stream().wait_stream(side)
        chain(kept, provider, captured)
    for number in [0, 1, 2] * 4:
        input.copy_(on_device[number])
        chain(input, provider, eager)
        graph.replay()
        for tensors in (eager, captured):
            for tensor, reference in zip(tensors, expected[number], strict=True):
                assert_same_bytes(tensor, reference)


@every_provider
def test_no_tokens_launch_nothing(provider: str) -> None:
    values, scales = quantise(provider, torch.empty(0, 256, device="cuda"), 64)
    assert values.shape == (0, 128)
    assert scales.shape == (0, 2)
    torch.cuda.synchronize()


@every_provider
@pytest.mark.parametrize("dtype", VALUE_DTYPES, ids=str)
def test_opcheck(provider: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    original = torch.allclose

    def allclose(
        left: Tensor, right: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
    ) -> bool:
        if left.dtype.itemsize == 1 and left.dtype.is_floating_point:
            left, right = bytes_of(left), bytes_of(right)
        return original(left, right, rtol, atol, equal_nan)

    monkeypatch.setattr(torch, "allclose", allclose)
    for num_tokens in (0, 3):
        out = torch.zeros(num_tokens, 128, dtype=dtype, device="cuda")
        input = torch.randn(num_tokens, 256, dtype=torch.bfloat16, device="cuda")
        scales = torch.zeros(num_tokens, 2, device="cuda")
        bound = torch.tensor(0.5, device="cuda")
        with providers(force=provider):
            torch.library.opcheck(OPERATOR.default, (out, input, scales, 64))
            torch.library.opcheck(
                OPERATOR.intermediate, (out, input, scales, 64, bound, False, "input_dtype")
            )


def test_compiled_as_one_graph_with_any_number_of_tokens() -> None:
    def block(input: Tensor) -> tuple[Tensor, Tensor]:
        values, scales = opparity.silu_and_mul_per_block_quant(
            input * 2, 64, scale_layout=ScaleLayout.COLUMN_MAJOR, intermediate=Intermediate.FLOAT32
        )
        return values, scales + 0

    torch._dynamo.reset()
    compiled = torch.compile(block, fullgraph=True, dynamic=True)
    for num_tokens in (5, 2, 7, 33):
        input = make_input(Filling.ACTIVATIONS, num_tokens, 256, "bfloat16", num_tokens).cuda()
        values, scales = compiled(input)
        expected = quantise("native", (input * 2).cpu(), 64)
        assert_same_bytes(values, expected[0])
        assert_same_bytes(scales, expected[1])


@every_provider
def test_tensors_of_two_devices_are_refused(provider: str) -> None:
    out = torch.zeros(1, 128, dtype=torch.int8)
    with providers(force=provider), pytest.raises(RuntimeError, match="allowed: one device"):
        OPERATOR(out, torch.ones(1, 256, device="cuda"), torch.zeros(1, 2, device="cuda"), 64)


def test_the_reciprocal_is_the_rounded_one_for_every_divisor(tmp_path: Path) -> None:
    if torch.version.cuda is None:
        pytest.skip("platforms/cuda.h is NVIDIA's; tests/native/test_reciprocal.py has AMD's")
    major, minor = torch.cuda.get_device_capability()
    file = compile_kernel("reciprocal_kernel.h", f"sm_{major}{minor}", tmp_path)
    kernel = Kernel(file.read_bytes())
    mantissas = 1 << 23
    results = torch.empty(mantissas, device="cuda")
    # Where divisor and reciprocal are normal numbers: from 2^-126 up to 2^126.
    for exponent in range(1, 254):
        count = 1 if exponent == 253 else mantissas
        first = exponent * mantissas
        results.fill_(float("nan"))
        kernel.launch(count, first, count, results)
        divisors = torch.arange(first, first + count, dtype=torch.int32).view(torch.float32)
        expected = torch.ones(count).div(divisors)
        different = results[:count].cpu().view(torch.int32) != expected.view(torch.int32)
        assert not different.any(), f"wrong for {divisors[different][:4]}"
