import torch

from vllm.model_executor.kernels.linear.scaled_mm.BlockScaledMMLinearKernel import (
    Fp8BlockScaledMMLinearKernel,
)


class TritonFp8BlockScaledMMKernel(Fp8BlockScaledMMLinearKernel):
    def apply_block_scaled_mm(
        self, A: torch.Tensor, B: torch.Tensor, As: torch.Tensor, Bs: torch.Tensor
    ) -> torch.Tensor:
        wide = Bs.repeat_interleave(128, 0).repeat_interleave(128, 1)
        rows = A.float() * As.repeat_interleave(128, 1)
        return rows @ (B.float() * wide).t()
