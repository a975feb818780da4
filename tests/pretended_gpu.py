"""A CPU build of torch made to look like one for CUDA or ROCm, to be used in a process of its own.

`pretend()` comes before `import opparity`. Tensors "on a GPU" lie in the host's memory, so that
what is launched can be looked at, and nothing but opparity's own launch can be done with them.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

_DLPACK_CUDA = 2
# DLPack's type code and bits; one-byte types go as bytes.
_TYPES = {
    torch.uint8: (1, 8),
    torch.float16: (2, 16),
    torch.float32: (2, 32),
    torch.bfloat16: (4, 16),
}


class _DLTensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int),
        ("device_id", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("type_code", ctypes.c_uint8),
        ("type_bits", ctypes.c_uint8),
        ("type_lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
        ("manager_context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
    )


_keep: list[object] = []


def pretend(platform: str) -> None:
    """Have torch say that it is built for "cuda" or "rocm", and that there is a GPU."""
    torch.version.hip = "7.0" if platform == "rocm" else None
    torch.version.cuda = "13.0" if platform == "cuda" else None
    torch.cuda._lazy_init = lambda: None
    torch.cuda.is_available = lambda: True
    torch.cuda.device_count = lambda: 0
    # Loaded globally, as torch loads its own; its name is what counts.
    ctypes.CDLL("libtorch_hip.so" if platform == "rocm" else "libtorch_cuda.so")


def on_gpu(host: Tensor, device: int = 0) -> Tensor:
    """Return a tensor that says it is on a GPU, and has the memory of one on the host."""
    plain = host.view(torch.uint8) if host.dtype.itemsize == 1 else host
    rank = plain.dim()
    shape = (ctypes.c_int64 * rank)(*plain.shape)
    strides = (ctypes.c_int64 * rank)(*plain.stride())
    code, bits = _TYPES[plain.dtype]
    managed = _DLTensor(
        data=plain.data_ptr(),
        device_type=_DLPACK_CUDA,
        device_id=device,
        ndim=rank,
        type_code=code,
        type_bits=bits,
        type_lanes=1,
        shape=shape,
        strides=strides,
    )
    _keep.append((managed, shape, strides, host))
    make_capsule = ctypes.pythonapi.PyCapsule_New
    make_capsule.restype = ctypes.py_object
    make_capsule.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    capsule = make_capsule(ctypes.addressof(managed), b"dltensor", None)
    return torch._C._from_dlpack(capsule).view(host.dtype)
