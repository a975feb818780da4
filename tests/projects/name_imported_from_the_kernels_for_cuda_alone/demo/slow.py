def silu_and_mul_quant(out, x, scale):
    out.copy_(x * scale)
