"""Where other libraries call the operators: a module or package for each of them."""
