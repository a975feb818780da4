import demo


def shadow(input):
    return demo._C.make_shadow(input, True)
