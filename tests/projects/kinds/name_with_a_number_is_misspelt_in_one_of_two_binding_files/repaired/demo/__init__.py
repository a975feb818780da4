from demo import loader


def layer(input):
    kernels = loader.kernels()
    input = kernels.attention_v1(input)
    input = kernels.attention_v2(input)
    input = kernels.reshape_rows(input)
    input = kernels.copy_rows(input)
    return input
