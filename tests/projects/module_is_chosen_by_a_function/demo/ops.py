import torch


def load():
    try:
        import other_kernels

        return other_kernels, True
    except ImportError:
        from demo import _C

        return _C, False


def run(input: torch.Tensor) -> torch.Tensor:
    _C, is_other = load()
    return _C.scale(input) if is_other else _C.shift(input)
