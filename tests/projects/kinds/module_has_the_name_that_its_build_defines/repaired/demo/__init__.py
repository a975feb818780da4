from demo.libdemo import fold, shift


def run(input):
    return fold(shift(input))
