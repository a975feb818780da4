import torch


class FunctionalPass:
    def __call__(self, node):
        return node.target == torch.ops.demo.fused_allreduce_norm.default
