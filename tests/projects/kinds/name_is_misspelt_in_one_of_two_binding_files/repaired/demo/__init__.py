from demo import loader


def layer(input):
    kernels = loader.kernels()
    kernels.layer_create(input)
    kernels.layer_assign(input)
    return kernels.layer_backward(kernels.layer_forward(input))
