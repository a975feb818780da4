"""The bar: a kernel with the operator's reads and writes and no arithmetic.

It is launched plainly, and on Hopper and newer a second time so that it overlaps the kernel before
it, as the operator's own launches do (native/overlap.cuh).
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from opparity.benchmark.driver import Module

if TYPE_CHECKING:
    from opparity.benchmark.workload import LightArguments

SOURCE = Path(__file__).parent / "speed_of_light.cu"
_THREADS = 256
_PIECE = 16


def refusal() -> str | None:
    """Return why the bar cannot be measured here, or None."""
    if torch.version.hip is not None:
        return "speed_of_light.cu is CUDA C++, and this torch is built for ROCm"
    if shutil.which("nvcc") is None:
        return "nvcc is not on PATH; it compiles speed_of_light.cu"
    return None


class SpeedOfLight:
    """The kernel, compiled for the current GPU."""

    def __init__(self) -> None:
        major, minor = torch.cuda.get_device_capability()
        with tempfile.TemporaryDirectory() as folder:
            cubin = Path(folder, "light.cubin")
            architecture = f"-arch=sm_{major}{minor}"
            command = ["nvcc", "-O3", architecture, "-cubin", "-o", str(cubin), str(SOURCE)]
            subprocess.run(command, check=True)
            self._module = Module(cubin.read_bytes())
        self._function = self._module.function("speed_of_light")

    def __call__(self, arguments: LightArguments, *, overlaps: bool) -> None:
        """Launch it on torch's current stream."""
        out, input, scales = arguments.out, arguments.input, arguments.scales
        num_tokens, hidden_size = out.shape
        pieces = num_tokens * hidden_size // _PIECE
        values = [
            ctypes.c_void_p(input.data_ptr()),
            ctypes.c_void_p(out.data_ptr()),
            ctypes.c_void_p(scales.data_ptr()),
            ctypes.c_uint32(pieces),
            ctypes.c_uint32(hidden_size // _PIECE),
            ctypes.c_uint32(hidden_size // scales.shape[1] // _PIECE),
            ctypes.c_int64(scales.stride(0)),
            ctypes.c_int64(scales.stride(1)),
        ]
        grid = (-(-pieces // _THREADS), 1)
        self._module.launch(self._function, grid, _THREADS, values, overlaps=overlaps)
