from demo import passes
from demo.platforms import current_platform

if current_platform.is_cuda():
    from demo import collective
