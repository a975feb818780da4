try:
    from demo import graphs
except ImportError:
    pass


def to_rows(input):
    return graphs.to_rows(input)


def load_nodes(input):
    return graphs.load_nodes(input)


def load_edges(input):
    return graphs.load_edges(input)


def count_nodes(input):
    return graphs.count_nodes(input)


def count_edges(input):
    return graphs.count_edges(input)
