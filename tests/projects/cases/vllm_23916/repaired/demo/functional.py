import torch


class FunctionalPass:
    def __call__(self, graph):
        for node in graph.nodes:
            if node.target == torch.ops._C.gelu_and_mul.default:
                graph.erase_node(node)
            elif hasattr(torch.ops._C, "silu_and_mul_quant") and node.target == torch.ops._C.silu_and_mul_quant.default:
                graph.erase_node(node)
