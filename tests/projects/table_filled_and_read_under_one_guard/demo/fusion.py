import itertools

from demo.platforms import current_platform
from demo.quant import QUANT_OPS, kBlock, kStatic


class QuantPattern:
    def __init__(self, key):
        self.key = key
        assert self.key in QUANT_OPS, f"unsupported {self.key}"


class BlockPattern(QuantPattern):
    def __init__(self, key, transposed):
        super().__init__(key)
        self.transposed = transposed


class FusionPass:
    def __init__(self):
        self.patterns = [QuantPattern(kStatic)]
        if current_platform.is_cuda():
            for key, transposed in itertools.product([kBlock], [False, True]):
                self.patterns.append(BlockPattern(key, transposed))
