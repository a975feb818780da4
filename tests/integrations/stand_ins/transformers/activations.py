import torch


class SiLUActivation(torch.nn.SiLU):
    pass


class GELUActivation(torch.nn.GELU):
    pass


class GELUTanh(torch.nn.GELU):
    pass
