"""Layers for `kernelize`, which puts a layer's forward in the place of a module's own.

The module keeps its weight and its numbers where it has them, so that a layer here has no state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor, nn

from opparity.operators import ELEMENTWISE, functions, norm_functions, producer_named
from opparity.operators.refusal import refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opparity.operators.declaration import Parameter, Producer


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer.

    Attributes:
        name: what `layer_name` asks for.
        producer: whose product it computes.
        numbers: of the producer's parameters, those that the layer's name tells.
    """

    name: str
    producer: str
    numbers: Mapping[str, float] = field(default_factory=dict)


LAYERS: tuple[Layer, ...] = (
    *(Layer(row.functor, row.name) for row in ELEMENTWISE if row.name != "identity"),
    # As transformers names them.
    Layer("QuickGELU", "gelu_quick", {"alpha": 1.702}),
    Layer("RMSNorm", "rms_norm", {"offset": 0.0}),
    Layer("RMSNormZeroCentered", "rms_norm", {"offset": 1.0}),
    Layer("RMSNormGated", "gated_rms_norm", {"offset": 0.0}),
)

# Where modules have a parameter, if not by its name.
_ATTRIBUTES = {"epsilon": ("variance_epsilon", "eps", "epsilon")}
_SILU = ("silu", "swish")


def _class(layer: Layer) -> type[nn.Module]:
    """Return a layer as kernelize takes it: without a constructor, and with one method."""
    producer = producer_named(layer.producer)
    forward = _forward(layer, producer)
    members = {
        "__doc__": f"{producer.formula}, in the input's dtype.",
        "__module__": __name__,
        "can_torch_compile": True,
        "has_backward": True,
        "forward": forward,
    }
    return type(layer.name, (nn.Module,), members)


def _forward(layer: Layer, producer: Producer) -> Callable[..., Tensor]:
    """Return a forward with the arguments of the modules that it is for."""
    module_of = norm_functions if producer.reduces else functions
    function = cast("Callable[..., Tensor]", getattr(module_of, producer.name))

    def plain(self: nn.Module, input: Tensor) -> Tensor:
        named: dict[str, Any] = dict(_numbers(self, layer, producer))
        if producer.gated:
            # As gpt-oss has gate and up.
            named["interleaved"] = bool(getattr(self, "interleaved", False))
        return function(input, **named)

    def norm(self: nn.Module, hidden_states: Tensor) -> Tensor:
        return function(hidden_states, self.weight, **_numbers(self, layer, producer))

    def gated(self: nn.Module, hidden_states: Tensor, gate: Tensor) -> Tensor:
        activation = getattr(self, "activation", _SILU[0])
        if activation not in _SILU:
            detail = f"the module's activation is {activation!r}; allowed: {' or '.join(_SILU)}"
            refuse(layer.name, f"{detail}; leave this module as it is")
        numbers = _numbers(self, layer, producer)
        return function(hidden_states, gate, self.weight, **numbers)

    if not producer.reduces:
        return plain
    return gated if producer.takes_gate else norm


def _numbers(module: nn.Module, layer: Layer, producer: Producer) -> dict[str, float]:
    """Return the producer's numbers, as the module has them."""
    return {p.name: _number(module, layer, p) for p in producer.parameters}


def _number(module: nn.Module, layer: Layer, parameter: Parameter) -> float:
    if parameter.name in layer.numbers:
        return layer.numbers[parameter.name]
    names = _ATTRIBUTES.get(parameter.name, (parameter.name,))
    for name in names:
        found: Any = getattr(module, name, None)
        if found is not None:
            return float(found)
    # A norm always has its own epsilon, and another one would change every result in silence.
    if parameter.default is None or parameter.name in _ATTRIBUTES:
        detail = f"the module has no {parameter.name}; allowed: one in an attribute"
        refuse(layer.name, f"{detail} {' or '.join(names)}; add it")
    return parameter.default


CLASSES = {layer.name: _class(layer) for layer in LAYERS}
globals().update(CLASSES)
