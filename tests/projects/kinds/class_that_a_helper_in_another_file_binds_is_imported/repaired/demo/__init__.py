from demo._C import Viewer, scale


def show(x):
    Viewer().run()
    return scale(x)
