def register_op(name, mutates_args=()):
    return lambda function: function


def register_fake(name):
    return lambda function: function
