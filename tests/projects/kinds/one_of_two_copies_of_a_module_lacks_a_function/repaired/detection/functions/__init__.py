import deform


def run(input):
    return deform.deform_backward(deform.deform_forward(input))
