"""The GPU kernel's own source, compiled for the host: every byte as the reference has it."""

from __future__ import annotations

import random
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from kernel_calls import Call, calls_of, numbers_of, prepare, text_of
from kernel_launches import Launch, Launcher, Plan
from kernel_variants import (
    ROW_SHAPES,
    SHAPES,
    backward,
    covering,
    every,
    forward,
    norms,
    of_gradients,
    of_sums,
    rows,
    tabled,
)
from kernel_variants import by_token as rows_by_token
from native_programs import HERE, compile_cpp, write_tables
from opparity.formats import RECIPES, Intermediate

if TYPE_CHECKING:
    from pathlib import Path

    from kernel_variants import Variant

VARIANTS = covering(forward()) + covering(tabled()) + covering(backward())
ROWS = rows()
# The emulator takes all (`make emulate`), and `make amd` compiles all.
SUMS = of_sums()[::2]
GRADIENTS = of_gradients()[::3]


@pytest.mark.parametrize(
    "variant", VARIANTS + ROWS + SUMS + GRADIENTS, ids=lambda variant: variant.name
)
def test_a_variant_writes_the_references_bytes_and_no_others(
    launcher: Launcher, variant: Variant
) -> None:
    calls = calls_of(variant)
    kernel = launcher.compile(launcher.plan(prepare(calls[0]).text))
    differences = []
    for call in calls:
        prepared = prepare(call)
        for launch in launcher.plan(prepared.text).launches:
            kernel(launch)
        differences += [f"{call.name}: {text}" for text in prepared.differences()]
    assert not differences, "\n".join(differences)


# Each makes NaN of the zeros behind a row: an offset that is infinity in float16, and a factor that
# is infinity since float32's tiny numbers have squares of zero and nothing is added to their mean.
INFINITIES = {
    "swigluoai_and_mul": ("float16", Intermediate.INPUT_DTYPE, (1.702, 7.0, 65520.0)),
    "rms_norm": ("float32", Intermediate.FLOAT32, (0.0, 0.0)),
}


@pytest.mark.parametrize(
    ("producer", "shape", "name", "interleaved"),
    [
        ("swigluoai_and_mul", "kUnaligned", "fp8_block_64", False),
        ("swigluoai_and_mul", "kUnaligned", "fp8_block_64", True),
        ("swigluoai_and_mul", "kUnalignedRow", "fp8_token", False),
        ("rms_norm", "kUnalignedRow", "fp8_token", False),
        ("rms_norm", "kUnalignedRow", "fp8_block", False),
    ],
)
def test_what_is_behind_a_row_is_no_largest_magnitude(
    launcher: Launcher, producer: str, shape: str, name: str, *, interleaved: bool
) -> None:
    recipe, is_row = RECIPES[name], shape in ROW_SHAPES
    dtype, intermediate, parameters = INFINITIES[producer]
    choices = norms() if producer == "rms_norm" else rows_by_token() if is_row else forward()
    variant = replace(
        next(
            variant
            for variant in every(choices)
            if (variant.producer, variant.shape) == (producer, shape) and recipe in variant.recipes
        ),
        interleaved=interleaved,
        input=dtype,
        intermediate=intermediate,
        residual=0,
        bound=False,
        bounds_amax=False,
        tail=not recipe.by_token,
        width=334 if is_row else None,
    )
    prepared = prepare(Call(variant, recipe, 9, 334 if is_row else 331, parameters=parameters))
    plan = launcher.plan(prepared.text)
    kernel = launcher.compile(plan)
    for launch in plan.launches:
        kernel(launch)
    assert prepared.differences() == []


def test_another_variants_kernel_is_noticed(launcher: Launcher) -> None:
    first, second = (
        next(v for v in VARIANTS if (v.value, v.shape) == (value, "kSmall"))
        for value in ("float8_e4m3fn", "float8_e5m2")
    )
    kernel = launcher.compile(launcher.plan(prepare(calls_of(first)[0]).text))
    prepared = prepare(calls_of(second)[0])
    for launch in launcher.plan(prepared.text).launches:
        kernel(launch)
    assert any(text.startswith("values") for text in prepared.differences())


def test_a_lane_that_left_while_its_warp_exchanges_is_said(launcher: Launcher) -> None:
    kernel = launcher.compile_for_host(Plan(0, (), ()), HERE / "leaving_kernel.cpp")
    with pytest.raises(RuntimeError, match="thread 35 of block 0, 0 has left the kernel while"):
        kernel(Launch(1, 1, 64, bytes(256)))


def test_each_variant_has_a_key_and_macros_of_its_own(launcher: Launcher) -> None:
    # All of them would take long. Some traits make no difference together, and share a kernel.
    everything = every(forward())
    drawn = random.Random(7).sample(everything, 20_000)  # noqa: S311 -- it chooses tests
    # Neighbours in the list differ in one trait.
    variants = [*VARIANTS, *ROWS, *SUMS, *GRADIENTS, *everything[:2000], *drawn, *every(backward())]
    plans = [launcher.plan(text_of(numbers_of(v, []))) for v in variants]
    kernels = {(plan.key, plan.defines) for plan in plans}
    assert len({key for key, _ in kernels}) == len({defines for _, defines in kernels})
    assert len(kernels) == len({key for key, _ in kernels}) > 15_000
    neighbours = list(dict.fromkeys([*VARIANTS, *everything[:2000], *every(backward())]))
    assert len({launcher.plan(text_of(numbers_of(v, []))).key for v in neighbours}) == len(
        neighbours
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_more_tokens_than_a_launch_takes_are_launched_in_slices(
    launcher: Launcher, shape: str
) -> None:
    variant = next(v for v in VARIANTS if v.shape == shape and v.gradient is None)
    # Pieces are too many for one launch, and so are rows.
    numbers = numbers_of(variant, []) | {"num_tokens": 200_000, "hidden_size": 1 << 20}
    launches = launcher.plan(text_of(numbers)).launches
    assert len(launches) > 1
    # Input and values come first and third in the record.
    inputs, values = (
        [int.from_bytes(launch.arguments[i : i + 8], "little") for launch in launches]
        for i in (0, 16)
    )
    firsts = [(address - numbers["input"]) // numbers["input_row_bytes"] for address in inputs]
    assert values == [numbers["values"] + first * numbers["values_row_bytes"] for first in firsts]
    ends = [*firsts[1:], 200_000]
    for launch, first, end in zip(launches, firsts, ends, strict=True):
        rows = launch.y if shape in {"kSmall", "kUnaligned"} else end - first
        assert rows == end - first > 0
        elements = {"kTabled": 16, "kLarge": 16, "kMedium": 8}.get(
            shape, 8 if (variant.group_size or 0) > 128 else 4
        )
        pieces = rows * (1 << 20) // elements
        if shape == "kTabled":
            # A block for each multiprocessor.
            assert launch.x == 4
            continue
        # As many threads as there are pieces, up to a block's end.
        threads = launch.x * launch.threads * launch.y
        assert 0 <= threads - pieces < launch.threads * launch.y
        assert launch.y <= 65535
        assert launch.x * launch.threads < 2**32
    assert firsts[0] == 0


@pytest.mark.parametrize("rows", [13, 14, 21, 50, 217, 1000])
def test_blocks_that_stay_have_work_in_their_last_turn(launcher: Launcher, rows: int) -> None:
    variant = next(v for v in VARIANTS if v.shape == "kTabled")
    # The planner's chip has four multiprocessors; 64 pieces of a row are for each.
    numbers = numbers_of(variant, []) | {"num_tokens": rows, "hidden_size": 4096, "shape": -1}
    (launch,) = launcher.plan(text_of(numbers)).launches
    assert launch.x == 4
    idle = {threads: -64 * rows % threads for threads in range(512, 897, 32)}
    assert idle[launch.threads] == min(idle.values())


def test_few_pieces_have_no_table(launcher: Launcher) -> None:
    variant = next(v for v in VARIANTS if v.shape == "kTabled")
    numbers = numbers_of(variant, []) | {"num_tokens": 12, "hidden_size": 4096, "shape": -1}
    assert "OPPARITY_SHAPE=kTabled" not in launcher.plan(text_of(numbers)).defines


def _shape_of(launcher: Launcher, numbers: dict[str, int]) -> str:
    defines = launcher.plan(text_of(numbers | {"shape": -1})).defines
    return next(d for d in defines if d.startswith("OPPARITY_SHAPE=")).partition("=")[2]


def test_sums_have_shapes_that_their_registers_and_addresses_allow(launcher: Launcher) -> None:
    variant = next(v for v in SUMS if v.shape == "kMedium" and v.input == "bfloat16")
    # So many that bfloat16 would have a table.
    numbers = numbers_of(variant, []) | {"num_tokens": 4096, "hidden_size": 4096}

    def shape_with(**changes: int) -> str:
        return _shape_of(launcher, numbers | changes)

    assert shape_with() == shape_with(token_scales=4100) == "kMedium"
    assert shape_with(num_tokens=16) == "kSmall"
    of_rows = {"is_by_token": 1, "group_size": 0}
    assert shape_with(**of_rows) == "kBlockRow"
    for changes in ({"weight_scales": 4100}, {"input": 4104}, {"input_row_bytes": 16392}):
        assert shape_with(**changes) == "kUnaligned"
        assert shape_with(**changes, **of_rows) == "kUnalignedRow"


def test_a_norms_blocks_stay_where_that_was_faster(launcher: Launcher) -> None:
    variant = next(v for v in ROWS if v.shape == "kStayingRow" and v.input == "bfloat16")
    numbers = numbers_of(replace(variant, residual=0), [])

    def shape_with(**changes: int) -> str:
        return _shape_of(launcher, numbers | changes)

    # The chip has four multiprocessors, and so eight blocks of these.
    residual = {"residual": 4096}
    assert shape_with(num_tokens=7, hidden_size=2048, **residual) == "kStayingRow"
    assert shape_with(num_tokens=8, hidden_size=4096) == "kBlockRow"
    # Each would have two rows, where there is room for twelve others.
    assert shape_with(num_tokens=8, hidden_size=7168) == "kStayingRow"
    assert {shape_with(num_tokens=n, hidden_size=7168) for n in (9, 12)} == {"kBlockRow"}
    assert shape_with(num_tokens=13, hidden_size=7168) == "kStayingRow"
    assert shape_with(num_tokens=1000, hidden_size=7168) == "kStayingRow"
    assert shape_with(num_tokens=63, hidden_size=7168, **residual) == "kStayingRow"
    assert shape_with(num_tokens=64, hidden_size=7168, **residual) == "kBlockRow"
    for changes in ({"hidden_size": 8208}, {"input_type": 2}, {"input": 4104}, {"is_backward": 1}):
        assert shape_with(**{"num_tokens": 7, "hidden_size": 7168} | changes) != "kStayingRow"
    # Shares differ by a row at most.
    [launch] = launcher.plan(text_of(numbers | {"num_tokens": 17, "hidden_size": 7168})).launches
    assert launch.x == 6


def test_a_slice_of_the_tokens_has_their_scales_of_sums(launcher: Launcher) -> None:
    variant = replace(
        next(v for v in SUMS if v.shape == "kSmall" and v.value == "none"), interleaved=False
    )
    # A grid has 65,535 rows.
    prepared = prepare(Call(variant, RECIPES["none"], 65_538, 16))
    plan = launcher.plan(prepared.text)
    assert len(plan.launches) == 2
    values = prepared.outputs["values"]
    second = slice(values.start + 65_535 * values.strides[0], None)
    assert not torch.equal(values.bytes[second], values.expected[second])
    launcher.compile(plan)(plan.launches[1])
    assert torch.equal(values.bytes[second], values.expected[second])


def test_a_pieces_row_is_found_without_dividing(tmp_path: Path) -> None:
    program = compile_cpp(
        tmp_path / "divisions", "-O2", f"-I{write_tables(tmp_path)}", HERE / "divisions.cpp"
    )
    completed = subprocess.run([program], capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stdout
    assert int(completed.stdout) > 100_000
