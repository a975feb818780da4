import torch

from demo import _C

if torch.__version__ >= "2.4":
    register_op = torch.library.custom_op
    register_fake = torch.library.register_fake
else:
    from demo.old import register_fake, register_op


@register_op("demo::turn", mutates_args=())
def turn(input: torch.Tensor) -> torch.Tensor:
    return _C.turn(input)


@register_fake("demo::turn")
def _turn_fake(input: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(input)


@register_op("demo::fold", mutates_args=())
def fold(input: torch.Tensor) -> torch.Tensor:
    return _C.fold(input)


@register_fake("demo::fold")
def _fold_fake(input: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(input)


@register_op("demo::spread", mutates_args=())
def spread(input: torch.Tensor) -> torch.Tensor:
    return _C.spread(input)


@register_fake("demo::spread")
def _spread_fake(input: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(input)


@register_op("demo::shift", mutates_args=())
def shift(input: torch.Tensor) -> torch.Tensor:
    return _C.shift(input)


@register_fake("demo::shift")
def _shift_fake(input: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(input)


@register_op("demo::scale", mutates_args=())
def scale(input: torch.Tensor) -> torch.Tensor:
    return _C.scale(input)


@register_fake("demo::scale")
def _scale_fake(input: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(input)
