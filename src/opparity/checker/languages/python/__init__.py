"""Reading Python's side of a tree: where operators are touched, and under which guards."""
