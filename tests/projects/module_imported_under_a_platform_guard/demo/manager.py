from demo.platforms import current_platform

if current_platform.is_cuda():
    from demo.fusion import FUSED_OP


def passes():
    return [FUSED_OP]
