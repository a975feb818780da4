import torch


class FunctionalPass:
    def __call__(self, graph):
        for node in graph.nodes:
            if node.target == torch.ops._C.gelu_and_mul.default:
                graph.erase_node(node)
            elif hasattr(torch.ops.demo, "fused_allreduce_norm") and node.target == torch.ops.demo.fused_allreduce_norm.default:
                graph.erase_node(node)
