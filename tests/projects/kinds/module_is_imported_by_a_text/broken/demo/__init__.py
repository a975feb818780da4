import importlib

kernels = importlib.import_module("softmax_kernels")


def forward(input):
    return kernels.forward_(input)


def backward(gradient):
    return kernels.backward_(gradient)
