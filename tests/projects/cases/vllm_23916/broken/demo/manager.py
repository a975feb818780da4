from demo.platforms import current_platform

if current_platform.is_cuda_alike():
    from demo.fusion import FusionPass

from demo.functional import FunctionalPass


class PassManager:
    def __init__(self, config):
        self.passes = []
        if config.fuse:
            self.passes.append(FusionPass())
        self.functional = FunctionalPass()

    def __call__(self, graph):
        for each in (*self.passes, self.functional):
            each(graph)
