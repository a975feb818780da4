"""Random calls of the public functions, which see arguments before operators do.

Their parameters come from their signatures, so that a new producer's function is attacked too.
"""

from __future__ import annotations

import inspect
from random import Random
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

import opparity
from attack.judge import INTERNAL
from attack.plans import INPUT_DTYPES
from opparity.formats import RECIPES, ExpertLayout, Intermediate, ScaleLayout, accepted_recipes
from opparity.operators import PRODUCERS, added_name, general_name

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = tuple(
    dict.fromkeys(
        (
            *(general_name(producer) for producer in PRODUCERS),
            *(name for producer in PRODUCERS if (name := added_name(producer))),
            *("rows_and_columns", "silu_and_mul_per_block_quant", "dequantize", "tensor_scale"),
        )
    )
)
_STRANGE: tuple[Any, ...] = (
    *(None, "text", "", 0, -1, 2**70, 1.5, float("nan"), float("inf"), [], [1.5], (), {}, b"x"),
    *(True, 1j, object(), torch.ones(3), torch.float8_e4m3fn, torch.empty(0), int),
)
_WIDTHS = (1, 2, 16, 30, 32, 64, 128, 130, 256)


class Drawing:
    """The arguments of one function's call."""

    def __init__(self, name: str, random: Random) -> None:
        self._random = random
        self._recipe = random.choice(sorted(set(accepted_recipes().values()), key=str))
        self._dtype = random.choice(INPUT_DTYPES)
        self._width = random.choice(_WIDTHS)
        self._reads_sums = random.random() < 0.25
        self._leading = random.choice(((), (1,), (3,), (0,), (2, 3), (2, 0, 4), (1, 1, 1, 5)))
        function: Callable[..., object] = getattr(opparity, name)
        self._parameters = inspect.signature(function).parameters
        self._quantised = self._quantise() if name == "dequantize" else ()

    def _quantise(self) -> tuple[Tensor, ...]:
        """Return values and scales that belong together."""
        if self._recipe.format is None:
            return torch.ones(3), torch.ones(3)
        scale = 0.5 if self._recipe.rule in ("given", "global") else None
        tensor = torch.randn(*self._leading, 2 * self._width).to(self._dtype)
        return tuple(opparity.quantize(tensor, self._recipe, scale=scale))

    def arguments(self) -> dict[str, Any]:
        """Return arguments by name, of which about every fifth is no good."""
        found = {}
        for name, parameter in self._parameters.items():
            is_needed = parameter.default is inspect.Parameter.empty
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                continue
            if is_needed or self._random.random() < 0.5:
                found[name] = self._argument(name)
            if self._random.random() < 0.12:
                found[name] = self._random.choice(_STRANGE)
        return found

    def _argument(self, name: str) -> object:
        random = self._random
        choices: dict[str, Callable[[], object]] = {
            "recipe": lambda: random.choice((self._recipe, self._recipe.text, *RECIPES)),
            "intermediate": lambda: random.choice(list(Intermediate)),
            "interleaved": lambda: random.random() < 0.5,
            "scale": lambda: random.choice((0.5, 1, torch.tensor(0.5), None)),
            "scale_ub": lambda: random.choice((1.0, torch.tensor(2.0), None)),
            "experts": self._experts,
            "sums": self._sums,
            "dtype": lambda: random.choice((torch.float32, torch.bfloat16, torch.int8)),
            "weight": lambda: torch.ones(self._width, dtype=self._dtype),
            "producer": lambda: random.choice(NAMES),
            "group_size": lambda: random.choice((16, 64, 128, 48)),
            "scale_layout": lambda: random.choice(list(ScaleLayout)),
            "values": lambda: self._of_quantised(0),
            "scales": lambda: self._of_quantised(1),
        }
        if name in choices:
            return choices[name]()
        if name in ("input", "gate", "residual", "tensor"):
            return self._tensor()
        # A number of the producer's formula.
        return random.choice((1.0, 7, 1e-6, 0.0, -1.0))

    def _tensor(self) -> Tensor:
        tensor = torch.randn(*self._leading, 2 * self._width).to(self._dtype)
        if self._reads_sums and self._random.random() < 0.9:
            return (tensor * 1000).int()
        change = self._random.random()
        if change < 0.1:
            return tensor[..., ::2]
        if change < 0.2:
            return tensor.transpose(0, -1)
        if change < 0.25:
            return tensor.to(self._random.choice((torch.float64, torch.int32, torch.complex64)))
        return tensor.requires_grad_() if change < 0.3 else tensor

    def _of_quantised(self, place: int) -> Tensor:
        tensor = self._quantised[place]
        change = self._random.random()
        if change < 0.1 and tensor.dim():
            return tensor[..., :-1]
        if change < 0.15 and tensor.dim() > 1:
            return tensor.transpose(0, -1)
        if change < 0.2:
            return tensor.flatten()
        return tensor.float() if change < 0.25 else tensor

    def _experts(self) -> opparity.Experts | None:
        layout = self._random.choice((*ExpertLayout, None))
        if layout is None:
            return None
        count = self._random.choice((1, 2, 3))
        numbers = [self._random.randrange(-1, 5) for _ in range(count)]
        return opparity.Experts(layout, torch.tensor(numbers, dtype=torch.int32))

    def _sums(self) -> opparity.Sums | None:
        if not self._reads_sums:
            return None
        dtype = self._random.choice((*INPUT_DTYPES, torch.int8))
        of_columns = torch.rand(2 * self._width - (self._random.random() < 0.1), 1)
        return opparity.Sums(torch.rand(*self._leading, 1), of_columns, dtype)


def objection(number: int, seed: int = 0) -> str:
    """Make a call and return what does not hold of it, or nothing."""
    random = Random(seed << 40 | number)  # noqa: S311 -- not for secrets
    name = NAMES[number % len(NAMES)]
    arguments = Drawing(name, random).arguments()
    tensors = [value for value in arguments.values() if isinstance(value, Tensor)]
    before = [_bytes(tensor) for tensor in tensors]
    shown = {key: _shown(value) for key, value in arguments.items()}
    try:
        found = getattr(opparity, name)(**arguments)
        if isinstance(found, opparity.Quantized):
            found.dequantize()
            repr(found)
    except (RuntimeError, TypeError, ValueError) as error:
        if INTERNAL.search(str(error)) or not str(error):
            return f"{name}({shown}): {type(error).__name__}: {str(error)[:300]}"
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is told
        return f"{name}({shown}): {type(error).__name__}: {str(error)[:300]}"
    if not all(map(torch.equal, before, map(_bytes, tensors))):
        return f"{name}({shown}): an argument has changed"
    return ""


def _shown(value: object) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype} {list(value.shape)} by {list(value.stride())}"
    return repr(value)[:60]


def _bytes(tensor: Tensor) -> Tensor:
    return tensor.detach().clone(memory_format=torch.contiguous_format).flatten().view(torch.uint8)
