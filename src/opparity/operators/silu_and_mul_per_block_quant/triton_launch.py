"""Launching the Triton kernel by Triton's JIT compiler: the launch's shape, and the launch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import torch
import triton

from opparity.errors import ArgumentRefused
from opparity.formats import Intermediate
from opparity.operators import memory, torch_build
from opparity.operators.silu_and_mul_per_block_quant import shapes
from opparity.operators.silu_and_mul_per_block_quant.triton_constants import (
    compile_time_arguments,
    target,
)
from opparity.operators.silu_and_mul_per_block_quant.triton_kernel import (
    silu_and_mul_per_block_quant_kernel,
)
from opparity.platforms import Platform

if TYPE_CHECKING:
    from torch import Tensor

_LARGEST_GRID = 2**31 - 1
# HIP counts the threads of a grid in 32 bits.
_MOST_HIP_THREADS = 2**32 - 1


@dataclass(frozen=True, slots=True)
class LaunchParameters:
    """How much one program does, and with how many warps (waves on AMD)."""

    groups_per_program: int
    num_warps: int


def launch_parameters(
    num_tokens: int, num_groups: int, group_size: int, wave_size: int
) -> LaunchParameters:
    """Return the launch for a shape: few elements a program while programs are few.

    Eight elements a thread are a 16-byte load of 16-bit input. The sizes are chosen, not tuned;
    docs/benchmarks.md has what they cost on an H100.
    """
    elements = 1024 if num_tokens * num_groups * group_size < 1 << 24 else 2048
    groups = max(1, elements // group_size)
    while groups > 1 and groups // 2 >= num_groups:
        groups //= 2
    threads = max(wave_size, groups * group_size // 8)
    return LaunchParameters(groups, max(1, min(8, threads // wave_size)))


def largest_grid(architecture: str, threads: int) -> int:
    """Return how many programs of so many threads one launch may have."""
    if target(architecture) == "hip":
        return min(_LARGEST_GRID, _MOST_HIP_THREADS // threads)
    return _LARGEST_GRID


def launch(
    out: Tensor,
    input: Tensor,
    scales: Tensor,
    group_size: int,
    scale_ub: Tensor | None = None,
    is_scale_transposed: bool = False,
) -> None:
    """Serve the operator's default overload."""
    launch_intermediate(
        out, input, scales, group_size, scale_ub, is_scale_transposed, Intermediate.FLOAT32
    )


def launch_intermediate(
    out: Tensor,
    input: Tensor,
    scales: Tensor,
    group_size: int,
    scale_ub: Tensor | None,
    is_scale_transposed: bool,
    intermediate: str,
) -> None:
    """Serve the overload that names the intermediate precision."""
    by_token = shapes.check(
        out, input, scales, group_size, scale_ub, is_scale_transposed, intermediate
    )
    memory.check(shapes.NAME, out=out, scales=scales, input=input, scale_ub=scale_ub)
    num_tokens, hidden_size = out.shape
    num_groups = hidden_size // group_size
    architecture, wave_size = _device_facts(input.device)
    parameters = launch_parameters(num_tokens, num_groups, group_size, wave_size)
    programs_per_token = -(-num_groups // parameters.groups_per_program)
    grid = num_tokens * programs_per_token
    if grid == 0:
        return
    largest = largest_grid(architecture, parameters.num_warps * wave_size)
    if grid > largest:
        raise ArgumentRefused(
            operator=shapes.NAME,
            detail=f"input has {num_tokens} tokens, {grid} programs; "
            f"allowed: {largest}; split it by tokens",
        )
    arguments = compile_time_arguments(
        value_format=shapes.name_of(out.dtype),
        input_dtype=shapes.name_of(input.dtype),
        group_size=group_size,
        groups_per_program=parameters.groups_per_program,
        intermediate=intermediate,
        architecture=architecture,
    )
    with torch.cuda.device_of(input):
        silu_and_mul_per_block_quant_kernel[(grid,)](
            out.view(torch.uint8),
            input,
            by_token,
            scale_ub if scale_ub is not None else by_token,
            hidden_size,
            num_groups,
            programs_per_token,
            int(scale_ub is not None),
            input.stride(0),
            out.stride(0),
            by_token.stride(0),
            by_token.stride(1),
            **arguments,
            num_warps=parameters.num_warps,
            enable_fp_fusion=False,
        )


@cache
def _device_facts(device: torch.device) -> tuple[str, int]:
    """Return the architecture and the lanes of a warp or wave."""
    if triton.knobs.runtime.interpret:
        return "interpreter", 32
    properties = torch.cuda.get_device_properties(device)
    if torch_build.gpu_platform() is Platform.ROCM:
        return properties.gcnArchName.split(":")[0], int(properties.warp_size)
    return f"sm_{10 * properties.major + properties.minor}", 32
