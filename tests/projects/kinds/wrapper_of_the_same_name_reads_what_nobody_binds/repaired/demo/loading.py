from demo.wrappers import load_edges, load_nodes


def load(input):
    return load_nodes(input), load_edges(input)
