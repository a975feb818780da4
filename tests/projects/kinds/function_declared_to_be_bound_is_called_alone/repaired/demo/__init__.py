from demo import loader


class Optimizer:
    def __init__(self):
        kernels = loader.kernels()
        self.fused_scale = kernels.fused_scale
        self.fused_norm = kernels.fused_norm

    def step(self, weight):
        return self.fused_scale(weight) / self.fused_norm(weight)
