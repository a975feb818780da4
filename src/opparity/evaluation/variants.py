"""What is run and compared: a format of numbers, by a provider of the operators, on a device."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from opparity.evaluation.number_formats import FORMATS, NumberFormat
from opparity.nn import QuantizedLinear
from opparity.operators.functions import quantize
from opparity.operators.quantized import Quantized
from opparity.operators.selection import Selected, decisions
from opparity.operators.torch_build import platform_of

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Any

    from torch import Tensor, nn

CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run the model.

    Attributes:
        numbers: the format.
        device: where.
        provider: of the quantising operators; None where nothing is quantised.
        whole: whether it is run over all tokens, and not over the share alone.
    """

    numbers: NumberFormat
    device: torch.device
    provider: str | None = None
    whole: bool = True

    @property
    def label(self) -> str:
        """Its name while it runs."""
        by = f", {self.provider}" if self.provider else ""
        return f"{self.numbers.name}{by} on {self.device.type}"

    def serving(self) -> AbstractContextManager[None]:
        """Return a context in which the provider serves the operators."""
        from opparity import providers  # noqa: PLC0415 -- importing it loads the operators

        return providers(force=self.provider) if self.provider else nullcontext()


def available_variants(device: torch.device) -> list[Variant]:
    """Return the variants to run for a device: plain ones, then each format by each provider.

    What has exact sums in FP8 is slow, and is run by one provider; what has the same bytes
    everywhere is run on the CPU as well.
    """
    found = []
    for numbers in FORMATS:
        if numbers.linear is None:
            found.append(Variant(numbers, device))
            continue
        places = [device] if device.type == "cpu" or not numbers.same_everywhere else [device, CPU]
        for place in places:
            serving = _providers(place)[: 1 if numbers.product else None]
            found += [
                # The reference takes hundreds of times longer than the native operators.
                Variant(
                    numbers,
                    place,
                    provider,
                    whole=place == device and provider != "reference" and not numbers.product,
                )
                for provider in serving
            ]
    return found


def _providers(device: torch.device) -> list[str]:
    """Return who can serve on a device, the first choice first."""
    chosen = [one for one in decisions(platform_of(device.type)) if isinstance(one, Selected)]
    return [one.implementation.provider for one in chosen]


@dataclass(slots=True)
class Recorder:
    """Keeps what the quantised layers of a model read.

    Attributes:
        codes: values and scales, in the order of the calls since the last `take`.
    """

    codes: list[Tensor] = field(default_factory=list)

    def watch(self, model: nn.Module) -> None:
        """Have each quantised layer's input recorded, quantised as the layer would do it."""
        for layer in model.modules():
            if isinstance(layer, QuantizedLinear):
                layer.register_forward_pre_hook(self._record)

    def take(self) -> list[Tensor]:
        """Return and forget the codes."""
        codes, self.codes = self.codes, []
        return codes

    def _record(self, layer: nn.Module, given: tuple[Any, ...]) -> tuple[Quantized]:
        assert isinstance(layer, QuantizedLinear)
        (input,) = given
        if not isinstance(input, Quantized):
            input = quantize(input, layer.activations)
        self.codes += input
        return (input,)


def timed(model: nn.Module, tokens: Tensor) -> tuple[Tensor, float]:
    """Return the model's result and the seconds that it took."""
    _wait_for(tokens.device)
    started = time.perf_counter()
    found: Tensor = model(tokens)
    _wait_for(tokens.device)
    return found, time.perf_counter() - started


def _wait_for(device: torch.device) -> None:
    """Return when the device has nothing left to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
