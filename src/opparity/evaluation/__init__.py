"""The main job on real input: a small language model that computes in every format.

`opparity evaluate` runs the shipped model over Python source that it was not trained on, once for
each format and each provider of the operators, and says what each costs and whether the bits agree.
"""
