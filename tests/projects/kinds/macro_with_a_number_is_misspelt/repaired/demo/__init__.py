from demo import _C

scale = _C.scale
