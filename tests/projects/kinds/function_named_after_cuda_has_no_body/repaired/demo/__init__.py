from demo import _C

project = _C.project
