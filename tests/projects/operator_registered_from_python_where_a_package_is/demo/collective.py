from demo.registry import register_custom_op

try:
    import flashinfer
except ImportError:
    flashinfer = None


def _fused_allreduce_norm(x):
    return flashinfer.norm(x)


if flashinfer is not None:
    register_custom_op(op_name="fused_allreduce_norm", op_func=_fused_allreduce_norm)
