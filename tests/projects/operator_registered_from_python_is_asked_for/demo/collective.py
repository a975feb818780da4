from demo.registry import register_custom_op


def _fused_allreduce_norm(x):
    return x


register_custom_op(op_name="fused_allreduce_norm", op_func=_fused_allreduce_norm)
