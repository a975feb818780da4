"""Random calls of every operator: native kernels against the reference, on the same device.

A call's numbers come from its seed, its group and its number in the group alone, so that it can be
repeated by itself.
"""
