import demo._C


def count(values):
    # The first is a name of the package, the second one of the extension, the third of neither.
    return demo.version(), demo._C.count_rows(values), demo._C.count_columns(values)
