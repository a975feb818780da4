from demo import _C


def gemm(a, b):
    return _C.gemm_forward(a, b)
