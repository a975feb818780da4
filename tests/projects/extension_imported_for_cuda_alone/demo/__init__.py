import demo._C
from demo.platforms import current_platform

if current_platform.is_cuda():
    import demo._moe_C
