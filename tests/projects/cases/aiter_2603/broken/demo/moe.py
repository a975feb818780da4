from demo.loader import compile_ops


@compile_ops("module_moe")
def softmax(out, x): ...


@compile_ops("module_moe", interface="ctypes")
def softmax_assembly(out, x): ...
