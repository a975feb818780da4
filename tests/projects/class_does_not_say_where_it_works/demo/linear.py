from demo import _custom_ops as ops


class QuantLinear:
    def apply(self, out, x, scale):
        ops.silu_and_mul_quant(out, x, scale)
