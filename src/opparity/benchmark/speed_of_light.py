"""The bar: a kernel with the operator's reads and writes and no arithmetic, launched plainly.

Opparity's own launches overlap the kernel before them on Hopper (native/overlap.cuh). The bar's do
not, so in a graph of small calls the operator can be faster than its bar.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import torch

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
    """The kernel, compiled for the current GPU and loaded into torch's context."""

    def __init__(self) -> None:
        torch.cuda.init()
        torch.cuda.synchronize()
        major, minor = torch.cuda.get_device_capability()
        with tempfile.TemporaryDirectory() as folder:
            cubin = Path(folder, "light.cubin")
            architecture = f"-arch=sm_{major}{minor}"
            command = ["nvcc", "-O3", architecture, "-cubin", "-o", str(cubin), str(SOURCE)]
            subprocess.run(command, check=True)
            data = cubin.read_bytes()
        self.driver = ctypes.CDLL("libcuda.so.1")
        module, self.function = ctypes.c_void_p(), ctypes.c_void_p()
        self._check(self.driver.cuModuleLoadData(ctypes.byref(module), data))
        name = b"speed_of_light"
        self._check(self.driver.cuModuleGetFunction(ctypes.byref(self.function), module, name))

    def __call__(self, arguments: LightArguments) -> None:
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
        pointers = (ctypes.c_void_p * len(values))(*(ctypes.addressof(v) for v in values))
        stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
        grid = -(-pieces // _THREADS)
        self._check(
            self.driver.cuLaunchKernel(
                self.function, grid, 1, 1, _THREADS, 1, 1, 0, stream, pointers, None
            )
        )

    @staticmethod
    def _check(result: int) -> None:
        if result:
            detail = f"CUDA driver error {result} from the speed-of-light kernel"
            raise RuntimeError(detail)
