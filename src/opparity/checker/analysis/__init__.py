"""What the facts of a tree come to: links, names, operators, the matrix."""
