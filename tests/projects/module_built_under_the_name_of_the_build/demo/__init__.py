from demo import common_ops
