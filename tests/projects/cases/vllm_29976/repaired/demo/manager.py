from demo.platforms import current_platform

if current_platform.is_cuda_alike():
    from demo.fusion import FusionPass

if current_platform.is_cuda():
    from demo.collective import CollectivePass

from demo.functional import FunctionalPass


class PassManager:
    def __init__(self, config):
        self.passes = []
        if config.fuse:
            self.passes.append(FusionPass())
        if config.reduce:
            self.passes.append(CollectivePass())
        self.functional = FunctionalPass()

    def __call__(self, graph):
        for each in (*self.passes, self.functional):
            each(graph)
