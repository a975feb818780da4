"""Compiling GPU kernels ahead of time, on machines without a GPU."""
