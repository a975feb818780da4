import torch

from demo import _C  # noqa: F401


def inner(x):
    return torch.ops.demo.spin(x)


def outer(x):
    return inner(x) + 1


fast = torch.compile(outer)

if torch.version.cuda is not None:

    @torch.library.register_fake("demo::spin")
    def _(x):
        return torch.empty_like(x)
