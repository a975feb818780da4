"""One file for each group of random calls."""
