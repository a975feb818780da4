"""Kernels of tests, compiled as the library compiles its own: the same NVRTC and options."""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path

import torch
from torch import Tensor

from native_programs import COMPILERS, HERE, compile_cpp, write_sources

_KERNEL_NAME = b"opparity_kernel"
_THREADS = 256


def compile_kernel(source: str, architecture: str, folder: Path) -> Path:
    """Return a file of machine code of tests/native/`source`, which takes kernel.h's place."""
    write_sources(folder, HERE / source)
    program = compile_cpp(
        folder / "compile",
        HERE / "compile_program.cpp",
        folder / "embedded_sources.cpp",
        *COMPILERS,
    )
    # The library takes the NVRTC that lies beside the torch that is loaded.
    loaded = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    completed = subprocess.run(
        [program, "nvrtc", architecture, folder],
        input=f"{source}\n",
        env={**os.environ, "LD_PRELOAD": str(loaded)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return folder / "0"


class Kernel:
    """A kernel in the current device's context, which torch has made."""

    def __init__(self, code: bytes) -> None:
        self._driver = ctypes.CDLL("libcuda.so.1")
        module, self._function = ctypes.c_void_p(), ctypes.c_void_p()
        self._check(self._driver.cuModuleLoadData(ctypes.byref(module), code))
        found = ctypes.byref(self._function)
        self._check(self._driver.cuModuleGetFunction(found, module, _KERNEL_NAME))

    def launch(self, count: int, *arguments: int | Tensor) -> None:
        """Run one thread for each of `count`, with 32-bit numbers and tensors for arguments."""
        values = [
            ctypes.c_void_p(a.data_ptr()) if isinstance(a, Tensor) else ctypes.c_uint32(a)
            for a in arguments
        ]
        places = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
        stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
        blocks = (-(-count // _THREADS), 1, 1)
        self._check(
            self._driver.cuLaunchKernel(
                self._function, *blocks, _THREADS, 1, 1, 0, stream, places, None
            )
        )

    @staticmethod
    def _check(failure: int) -> None:
        assert failure == 0, f"CUDA's driver gives error {failure}"
