"""C++, CUDA and HIP files: what they declare, define, register and test."""
