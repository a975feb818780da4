"""Where a random call's choices come from."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

Choice = TypeVar("Choice")

# How many values a small and a large call have at most, by the device. The reference takes slices
# of 2^21 numbers: a GPU is busy with a few, and the CPU with a part of one.
_SMALL = 1 << 16
_LARGE = {"cuda": (1 << 20, 1 << 23), "cpu": (1 << 16, 1 << 18)}
_SHARE_OF_LARGE = {"cuda": 0.5, "cpu": 0.1}
# Of models, from a head's to an MLP's.
_WIDTHS = (64, 128, 256, 512, 768, 1024, 1536, 2048, 2880, 4096, 5120, 7168, 8192, 14336, 18432)
_MOST_NARROW = 700
_WIDEST = 65536
_MOST_TOKENS = 1 << 20


class Draw:
    """One random call's choices and numbers.

    Attributes:
        number: of the call in its group.
        device: where its tensors are.
        generator: of numbers on that device.
    """

    def __init__(self, seed: int, group: str, number: int, device: torch.device) -> None:
        self.number = number
        self.device = device
        self._random = random.Random(f"{seed} {group} {number}")  # noqa: S311 -- no secret
        self.generator = torch.Generator(device).manual_seed(self._random.getrandbits(63))

    def turn(self, options: Sequence[Choice]) -> Choice:
        """Return one of the options, each in its turn, so that few calls meet all of them."""
        return options[self.number % len(options)]

    def choose(self, options: Sequence[Choice]) -> Choice:
        """Return any of the options."""
        return self._random.choice(options)

    def happens(self, share: float) -> bool:
        """Return whether something comes about that does in this share of the calls."""
        return self._random.random() < share

    def between(self, least: int, most: int) -> int:
        """Return an integer, both ends included."""
        return self._random.randint(least, most)

    def magnitude(self, least: float, most: float) -> float:
        """Return a number above zero: each power of two between the ends is as likely."""
        return float(2.0 ** self._random.uniform(math.log2(least), math.log2(most)))

    def integers(self, least: int, most: int, *sizes: int) -> Tensor:
        """Return int64 numbers, both ends included."""
        return torch.randint(
            least, most + 1, sizes, generator=self.generator, device=self.device, dtype=torch.int64
        )

    def shuffled(self, options: Sequence[Choice]) -> list[Choice]:
        """Return the options in any order."""
        return self._random.sample(options, len(options))

    def sizes(self, *, even: bool = False) -> tuple[int, int]:
        """Return how many tokens a call has and how wide its output is.

        Args:
            even: whether the width has to be.
        """
        kind = self.device.type
        if self.happens(_SHARE_OF_LARGE[kind]):
            values = int(self.magnitude(*_LARGE[kind]))
        else:
            values = int(self.magnitude(1, _SMALL))
        if self.happens(0.2):
            width = min(max(1, values // self.between(1, 9)), _WIDEST)
        elif self.happens(0.5):
            width = self.choose(_WIDTHS)
        else:
            # The last group of a row is short.
            width = self.between(1, _MOST_NARROW)
        width += width % 2 if even else 0
        tokens = min(max(1, values // width), _MOST_TOKENS)
        return (0 if self.happens(0.01) else tokens), width
