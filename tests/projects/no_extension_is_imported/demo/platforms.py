"""Where this process runs."""

import torch


class Platform:
    def is_cuda(self):
        return torch.version.cuda is not None

    def is_rocm(self):
        return torch.version.hip is not None

    def is_cuda_alike(self):
        return self.is_cuda() or self.is_rocm()


current_platform = Platform()
