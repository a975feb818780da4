"""The main job on real input: a small language model whose MLPs call the operator.

`opparity evaluate` runs the shipped model over Python source that it was not trained on, once for
each way of computing its MLPs, and says what each way costs and whether the bits agree.
"""
