from demo import _custom_ops as ops
from demo.platforms import current_platform


class QuantLinear:
    @classmethod
    def can_implement(cls, config):
        if not current_platform.is_cuda():
            return False, "only on CUDA"
        if config.group_size not in (32, 128):
            return False, "no such group"
        return True, None

    def apply(self, out, x, scale):
        ops.silu_and_mul_quant(out, x, scale)
