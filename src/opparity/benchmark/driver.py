"""Kernels launched through CUDA's driver, as the native library does it."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ctypes import _CData as _Parameter

_PROGRAMMATIC_SERIALIZATION = 6
# Launches can overlap the kernel before them from Hopper on.
OVERLAPPING_CAPABILITY = (9, 0)


class _Attribute(ctypes.Structure):
    """CUlaunchAttribute."""

    _fields_ = (
        ("id", ctypes.c_int),
        ("padding", ctypes.c_int),
        ("value", ctypes.c_int),
        ("rest", ctypes.c_char * 60),
    )


class _Configuration(ctypes.Structure):
    """CUlaunchConfig."""

    _fields_ = (
        *((name, ctypes.c_uint) for name in ("gx", "gy", "gz", "bx", "by", "bz", "shared")),
        ("stream", ctypes.c_void_p),
        ("attributes", ctypes.POINTER(_Attribute)),
        ("count", ctypes.c_uint),
    )


class Module:
    """Machine code, loaded into torch's context on the current device."""

    def __init__(self, code: bytes) -> None:
        torch.cuda.init()
        torch.cuda.synchronize()
        self._driver = ctypes.CDLL("libcuda.so.1")
        self._module = ctypes.c_void_p()
        self._check(self._driver.cuModuleLoadData(ctypes.byref(self._module), code), "loading")

    def function(self, name: str) -> ctypes.c_void_p:
        """Return a kernel."""
        found = ctypes.c_void_p()
        result = self._driver.cuModuleGetFunction(ctypes.byref(found), self._module, name.encode())
        self._check(result, f"finding {name}")
        return found

    def launch(
        self,
        function: ctypes.c_void_p,
        grid: tuple[int, int],
        threads: int,
        parameters: Sequence[_Parameter],
        *,
        overlaps: bool,
    ) -> None:
        """Launch a kernel on torch's current stream.

        Args:
            function: the kernel.
            grid: blocks in two dimensions.
            threads: of a block.
            parameters: the kernel's.
            overlaps: whether it may start before the kernel before it has ended.
        """
        attribute = _Attribute(_PROGRAMMATIC_SERIALIZATION, 0, 1, b"")
        configuration = _Configuration(
            *(*grid, 1),
            *(threads, 1, 1, 0),
            torch.cuda.current_stream().cuda_stream,
            ctypes.pointer(attribute),
            int(overlaps),
        )
        pointers = (ctypes.c_void_p * len(parameters))(*map(ctypes.addressof, parameters))
        result = self._driver.cuLaunchKernelEx(
            ctypes.byref(configuration), function, pointers, None
        )
        self._check(result, "launching")

    @staticmethod
    def _check(result: int, what: str) -> None:
        if result:
            detail = f"CUDA driver error {result} while {what} a kernel to time"
            raise RuntimeError(detail)


def launches_overlap() -> bool:
    """Return whether the current device is a chip whose launches can overlap."""
    return torch.cuda.get_device_capability() >= OVERLAPPING_CAPABILITY
