"""A server: demo.runtime is imported when it starts, and has no __init__ of its own."""


def launch():
    from demo.runtime.model import Model

    return Model()
