from enum import Enum, auto

import torch


class PlatformEnum(Enum):
    CUDA = auto()
    ROCM = auto()
    CPU = auto()
    UNSPECIFIED = auto()
    TPU = auto()


class Platform:
    _enum = PlatformEnum.CPU

    def is_cuda(self) -> bool:
        return self._enum is PlatformEnum.CUDA

    def is_rocm(self) -> bool:
        return self._enum is PlatformEnum.ROCM

    def is_cpu(self) -> bool:
        return self._enum is PlatformEnum.CPU

    def is_unspecified(self) -> bool:
        return self._enum is PlatformEnum.UNSPECIFIED

    def is_cuda_alike(self) -> bool:
        return self.is_cuda() or self.is_rocm()

    @classmethod
    def import_kernels(cls) -> None:
        """What vLLM's own libraries are loaded by."""

    @classmethod
    def fp8_dtype(cls) -> torch.dtype:
        return torch.float8_e4m3fn
