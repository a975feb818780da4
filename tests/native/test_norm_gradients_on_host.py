"""The GPU kernel of norms backward, compiled for the host: every byte as the reference has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor

from kernel_calls import hard_rows, numbers_of, text_of
from kernel_memory import Memory
from kernel_variants import Variant
from opparity.formats import Intermediate, ScaleRule
from opparity.operators import producer_named
from opparity.operators.reference import Beside, backward_of_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from kernel_launches import Launch, Launcher

PARAMETERS = [1e-6, 1.0]
# By shape: from one to four pieces of a thread, and those that are read again.
WIDTHS = {
    "kWarpRow": (48, 528, 1024),
    "kBlockRow": (1296, 4112, 8192, 9216),
    "kUnalignedRow": (14, 334, 2051),
}
CALLS = [
    (producer, shape, width, number)
    for number, (producer, shape, width) in enumerate(
        (producer, shape, width)
        for producer in ("rms_norm", "gated_rms_norm")
        for shape, widths in WIDTHS.items()
        for width in widths
    )
]


def memory_of(rows: Tensor, offset: int) -> Memory:
    row_bytes = rows.shape[1] * rows.element_size() + (offset or 16)
    return Memory.of_rows(rows, row_bytes, offset=offset)


@pytest.mark.parametrize(("producer", "shape", "width", "number"), CALLS)
def test_gradients_of_norms_are_the_references_and_nothing_else_is_written(
    launcher: Launcher, producer: str, shape: str, width: int, number: int
) -> None:
    dtype = ("bfloat16", "float16", "float32")[number % 3]
    given = "float32" if number % 2 else dtype
    offset = getattr(torch, dtype).itemsize if shape == "kUnalignedRow" else 0
    traits = Variant(
        producer, False, dtype, Intermediate.FLOAT32, "none", None, ScaleRule.NONE, False,
        "kStrided", False, False, shape, gradient=given, width=width,
    )  # fmt: skip
    kernels: dict[bool, list[Callable[[Launch], None]]] = {}
    # Fewer rows than accumulators, more of them, one, and none.
    for num_tokens in (9, 300 if width < 600 else 17, 1, 0):
        has_weight = num_tokens != 9 or number % 2 == 1
        memories, numbers, keeps = prepare(
            traits, num_tokens, number, offset, has_weight=has_weight
        )
        plans = [launcher.plan(text_of(numbers | {"adds": adds})) for adds in (0, 1)]
        if has_weight not in kernels:
            kernels[has_weight] = [launcher.compile(plan) for plan in plans]
        of_rows, of_columns = kernels[has_weight]
        assert f"OPPARITY_SHAPE={shape}" in plans[0].defines
        # As native/gpu/run.cpp launches them.
        if num_tokens:
            of_rows(plans[0].launches[0])
        if has_weight:
            of_columns(plans[1].launches[0])
        wrong = {name: memory.difference() for name, memory in memories.items()}
        assert not any(wrong.values()), (num_tokens, wrong)
        assert keeps[0][min(256, num_tokens) * width :].isnan().all()


def prepare(
    traits: Variant, num_tokens: int, seed: int, offset: int, *, has_weight: bool
) -> tuple[dict[str, Memory], dict[str, int], tuple[Tensor, ...]]:
    """Return a call's memory, its numbers for launches.cpp, and its workspace and weight."""
    draw, width = torch.Generator().manual_seed(seed), traits.width
    assert width is not None
    dtype, producer = getattr(torch, traits.input), producer_named(traits.producer)
    kinds = {"input": dtype, "gradient": getattr(torch, traits.gradient or traits.input)}
    if producer.takes_gate:
        kinds["gate"] = dtype
    elif num_tokens != 1:
        kinds["sum_gradient"] = dtype
    tensors = {name: hard_rows(num_tokens, width, kind, draw) for name, kind in kinds.items()}
    # Longer, so that it begins where wide loads can.
    weight = (torch.randn(max(width, 64), generator=draw) * 2).to(dtype)[:width]
    workspace = torch.full((min(256, num_tokens) * width + 64,), torch.nan)
    of_input, *of_gate, of_weight = backward_of_rows(
        tensors["gradient"],
        tensors["input"],
        producer,
        PARAMETERS,
        Beside(weight if has_weight else None, tensors.get("gate")),
        tensors.get("sum_gradient"),
    )
    memories = {name: memory_of(tensor, offset) for name, tensor in tensors.items()}
    for memory in memories.values():
        memory.bytes.copy_(memory.expected)
    memories["values"] = memory_of(of_input, offset)
    if of_gate:
        memories["gate_gradient"] = memory_of(of_gate[0], offset)
    numbers = numbers_of(traits, PARAMETERS) | {"num_tokens": num_tokens, "hidden_size": width}
    for name, memory in memories.items():
        numbers |= {name: memory.address, f"{name}_row_bytes": memory.strides[0]}
    if has_weight:
        memories["weight_gradient"] = memory_of(of_weight[None], 0)
        numbers |= {
            "weight": weight.data_ptr(),
            "workspace": workspace.data_ptr(),
            "weight_gradient": memories["weight_gradient"].address,
        }
    return memories, numbers, (workspace, weight)
