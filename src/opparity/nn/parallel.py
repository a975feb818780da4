"""ParallelSwiGLU: an MLP over the devices of a group, with the bytes of one device.

Each device has some of gate's and up's rows and the same columns of down. Quantised activations
are those of one device, byte for byte, so in int8 the result is as well: the sum over devices is a
sum of int32. In FP8 the devices' sums are added as float32, in the order of the library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from opparity.nn.int8 import Int8Linear
from opparity.nn.linear import QuantizedLinear
from opparity.nn.products import int8
from opparity.nn.strides import adjacent
from opparity.operators import functions
from opparity.operators.functions import quantize
from opparity.operators.quantized import Quantized
from opparity.operators.refusal import refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.nn.swiglu import SwiGLU


def _collective(name: str, older: str) -> Callable[..., Any]:
    """Return a collective: torch 2.13 warns of its older name, and older versions have no other."""
    found: Callable[..., Any] = getattr(dist, name, None) or getattr(dist, older)
    return found


class ParallelSwiGLU(nn.Module):
    """A SwiGLU whose columns are shared by the processes of a group.

    Attributes:
        gate_up: this process's rows of gate, then of up.
        down: this process's columns, with the scales of whole rows.
        group: of torch.distributed; None for all processes.
        sequence: whether inputs and results are shards of the tokens, all of one size: what is
            quantised is gathered, and the sums are scattered.
    """

    def __init__(
        self, mlp: SwiGLU, group: dist.ProcessGroup | None = None, *, sequence: bool = False
    ) -> None:
        super().__init__()
        if not all(isinstance(linear, QuantizedLinear) for linear in (mlp.gate_up, mlp.down)):
            refuse(
                "ParallelSwiGLU",
                f"the MLP has a {type(mlp.gate_up).__name__}; allowed: quantised layers, since "
                "there is no gradient; call quantized() of each",
            )
        self.group, self.sequence = group, sequence
        self.devices, rank = dist.get_world_size(group), dist.get_rank(group)
        inner = mlp.down.in_features
        step = max(mlp.gate_up.scale_rows, mlp.down.scale_columns or 1)
        if inner % (step * self.devices):
            refuse(
                "ParallelSwiGLU",
                f"the MLP is {inner} wide and shared by {self.devices} processes; allowed: a "
                f"multiple of {step * self.devices}, so that each has whole groups; pad it with "
                "zeros",
            )
        share = inner // self.devices
        mine = slice(rank * share, (rank + 1) * share)
        gate, up = _rows(mlp.gate_up, mine, 0), _rows(mlp.gate_up, mine, inner)
        self.gate_up = type(mlp.gate_up).stack([gate, up])
        self.down = _columns(mlp.down, mine)
        self.producer, self.numbers = mlp.producer, mlp.numbers
        self._activation = getattr(functions, mlp.producer)

    def forward(self, input: Tensor | Quantized) -> Tensor:
        """Return the MLP's result, [num_tokens, hidden_size], in every process.

        With `sequence` the input is this process's tokens, and so is the result. There is no
        gradient, and an input that wants one is refused.
        """
        wants = input.has_gradient if isinstance(input, Quantized) else input.requires_grad
        if wants and torch.is_grad_enabled():
            refuse(
                "ParallelSwiGLU",
                "the input's gradient is asked for; allowed: inputs without one; detach it, or "
                "call it under torch.no_grad()",
            )
        if len(input.shape) != 2:  # noqa: PLR2004
            refuse(
                "ParallelSwiGLU",
                f"the input has {len(input.shape)} dimensions; allowed: 2, [num_tokens, "
                "hidden_size]; flatten the leading ones",
            )
        if not isinstance(input, Quantized):
            input = quantize(adjacent(input), self.gate_up.recipe)
        if self.sequence:
            input = self._gathered(input)
        product = self.gate_up(input)
        if isinstance(self.down, Int8Linear):
            return self._int8(product)
        middle = self._activation(product, self.down.activations, **self.numbers)
        values, scales = middle
        weight, weight_scales = self.down.weight, self.down.weight_scales
        partial = self.down.product.multiply(values, scales, weight, weight_scales, torch.float32)
        return self._with_bias(self._summed(partial).to(self.down.dtype))

    def _int8(self, product: Tensor) -> Tensor:
        """Return down's result from this process's columns of gate and up.

        A token's scale follows from its largest magnitude in all processes. That is put beside the
        token's own numbers as one more, so that it is quantised by the scale of the whole row.
        """
        middle: Tensor = self._activation(product.float(), **self.numbers)
        largest = middle.abs().amax(-1, keepdim=True)
        # As integers magnitudes have the same order, and NaN is the largest: no library drops it.
        dist.all_reduce(largest.view(torch.int32), dist.ReduceOp.MAX, self.group)
        values, scales = quantize(torch.cat((middle, largest), -1), self.down.recipe)
        sums = self._summed(int8.exact_product(values[:, :-1], self.down.weight))
        if self.sequence:
            scales = scales.chunk(self.devices)[dist.get_rank(self.group)]
        found = int8.scaled(sums, scales, self.down.weight_scales, self.down.dtype)
        return self._with_bias(found)

    def _with_bias(self, found: Tensor) -> Tensor:
        return found if self.down.bias is None else found.add_(self.down.bias)

    def _summed(self, partial: Tensor) -> Tensor:
        """Return the sum over processes, of this process's tokens where these are shared."""
        if not self.sequence:
            dist.all_reduce(partial, group=self.group)
            return partial
        mine = partial.new_empty((partial.shape[0] // self.devices, partial.shape[1]))
        scatter = _collective("reduce_scatter_single", "reduce_scatter_tensor")
        scatter(mine, partial, group=self.group)
        return mine

    def _gathered(self, input: Quantized) -> Quantized:
        """Return all tokens of an input that is shared by tokens: codes take half of bfloat16."""
        self.gate_up.check_activations(input)
        parts = (part.contiguous() for part in input)
        codes, scales = (self._all(part.view(torch.uint8)).view(part.dtype) for part in parts)
        return Quantized(codes, scales, self.gate_up.recipe)

    def _all(self, shard: Tensor) -> Tensor:
        whole = shard.new_empty((shard.shape[0] * self.devices, *shard.shape[1:]))
        gather = _collective("all_gather_single", "all_gather_into_tensor")
        gather(whole, shard.contiguous(), group=self.group)
        return whole


def _rows(linear: QuantizedLinear, mine: slice, offset: int) -> QuantizedLinear:
    """Return the module of some rows, which start at an offset."""
    rows = slice(offset + mine.start, offset + mine.stop)
    step = linear.scale_rows
    bias = None if linear.bias is None else linear.bias[rows]
    scales = linear.weight_scales[rows.start // step : rows.stop // step]
    return _like(linear, type(linear)(linear.weight[rows], scales, bias, dtype=linear.dtype))


def _columns(linear: QuantizedLinear, mine: slice) -> QuantizedLinear:
    """Return the module of some columns, with the whole bias."""
    scales, step = linear.weight_scales, linear.scale_columns
    if step is not None:
        scales = scales[:, mine.start // step : mine.stop // step].contiguous()
    weight = linear.weight[:, mine].contiguous()
    return _like(linear, type(linear)(weight, scales, linear.bias, dtype=linear.dtype))


def _like(linear: QuantizedLinear, part: QuantizedLinear) -> QuantizedLinear:
    part.asked_product = linear.asked_product
    return part
