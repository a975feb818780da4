"""The bar: a kernel with an operator's reads and writes and no arithmetic.

It is launched plainly, and on Hopper and newer a second time so that it overlaps the kernel before
it, as the operators' own launches can (native/platforms/cuda.h).
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from opparity.benchmark.driver import Module

if TYPE_CHECKING:
    from torch import Tensor

    from opparity.benchmark.workload import Buffers, Workload

SOURCE = Path(__file__).parent / "speed_of_light.cu"
_THREADS = 256
_PIECE = 16
_WORD = 4


def refusal() -> str | None:
    """Return why the bar cannot be measured here, or None."""
    if torch.version.hip is not None:
        return "speed_of_light.cu is CUDA C++, and this torch is built for ROCm"
    if shutil.which("nvcc") is None:
        return "nvcc is not on PATH; it compiles speed_of_light.cu"
    return None


class SpeedOfLight:
    """The kernel of a workload, compiled for the current GPU."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        defines = {
            "INPUT_WORDS": _PIECE * workload.input_dtype.itemsize // _WORD,
            "VALUE_WORDS": _PIECE * workload.value_bits // 8 // _WORD,
            "IS_GATED": int(workload.facts.gated),
            "READS_OTHER": int(workload.adds or workload.facts.takes_gate),
            "WRITES_SUM": int(workload.adds),
            "SCALE_BYTES": workload.scale_bytes,
        }
        self._module = _compiled(tuple(f"-D{name}={value}" for name, value in defines.items()))
        self._function = self._module.function("speed_of_light")

    def launch(self, buffers: Buffers, number: int, *, overlaps: bool) -> None:
        """Launch it on torch's current stream."""
        workload, outputs = self._workload, buffers.outputs(number)
        pieces = workload.num_tokens * workload.hidden_size // _PIECE
        group_size = _PIECE
        # The row's weight, which a norm reads too, stays in the cache.
        if workload.recipe.group_size is not None:
            group_size = workload.recipe.group_in(workload.hidden_size)
        token_bytes, group_bytes = self._scale_strides(outputs["scales"])
        values = [
            ctypes.c_void_p(buffers.inputs[number].data_ptr()),
            ctypes.c_void_p(buffers.others[number].data_ptr() if buffers.others else None),
            ctypes.c_void_p(outputs["values"].data_ptr()),
            ctypes.c_void_p(outputs["scales"].data_ptr()),
            ctypes.c_uint32(pieces),
            ctypes.c_uint32(workload.hidden_size // _PIECE),
            ctypes.c_uint32(group_size // _PIECE),
            ctypes.c_int64(token_bytes),
            ctypes.c_int64(group_bytes),
        ]
        grid = (-(-pieces // _THREADS), 1)
        self._module.launch(self._function, grid, _THREADS, values, overlaps=overlaps)

    def _scale_strides(self, scales: Tensor) -> tuple[int, int]:
        """Return the bytes between tokens and between groups.

        Scales that are no table, in tiles or words, are written as one: as many bytes, elsewhere.
        """
        workload, size = self._workload, self._workload.scale_bytes
        if workload.recipe.group_size is None:
            return 0, 0
        groups = workload.recipe.groups_in(workload.hidden_size)
        if tuple(scales.shape) == (workload.num_tokens, groups):
            return scales.stride(0) * size, scales.stride(1) * size
        return groups * size, size


@cache
def _compiled(defines: tuple[str, ...]) -> Module:
    major, minor = torch.cuda.get_device_capability()
    with tempfile.TemporaryDirectory() as folder:
        cubin = Path(folder, "light.cubin")
        command = ["nvcc", "-O3", "-std=c++17", f"-arch=sm_{major}{minor}", *defines, "-cubin"]
        subprocess.run([*command, "-o", str(cubin), str(SOURCE)], check=True)
        return Module(cubin.read_bytes())
