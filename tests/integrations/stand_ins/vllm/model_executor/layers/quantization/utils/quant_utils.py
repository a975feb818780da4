from typing import NamedTuple

import torch


class GroupShape(NamedTuple):
    row: int
    col: int


class ScaleDesc(NamedTuple):
    dtype: torch.dtype
    static: bool
    group_shape: GroupShape


class QuantKey(NamedTuple):
    dtype: torch.dtype
    scale: ScaleDesc


def _dynamic(dtype: torch.dtype, columns: int) -> QuantKey:
    return QuantKey(torch.float8_e4m3fn, ScaleDesc(dtype, False, GroupShape(1, columns)))


kFp8Dynamic128Sym = _dynamic(torch.float32, 128)
kFp8Dynamic64Sym = _dynamic(torch.float32, 64)
kFp8DynamicTokenSym = _dynamic(torch.float32, -1)
kMxfp8Dynamic = _dynamic(torch.uint8, 32)
kFp8StaticTensorSym = QuantKey(
    torch.float8_e4m3fn, ScaleDesc(torch.float32, True, GroupShape(-1, -1))
)
