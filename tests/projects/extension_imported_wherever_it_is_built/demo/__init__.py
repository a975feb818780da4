import demo._C
from demo.platforms import current_platform

if current_platform.is_cuda_alike():
    import demo._moe_C
