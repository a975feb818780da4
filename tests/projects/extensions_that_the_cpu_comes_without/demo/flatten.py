import flatten_C


def flatten(x):
    return flatten_C.forward(x)
