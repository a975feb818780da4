"""QuantizedLinear: what linear modules with quantised weights and activations share."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from torch import Tensor, nn

from opparity import torch_names
from opparity.formats import RECIPES, ScaleLayout
from opparity.nn.multiplication import quantized_linear
from opparity.nn.products import product_for
from opparity.nn.products.dequantised import spread
from opparity.nn.strides import adjacent
from opparity.operators.functions import quantize
from opparity.operators.quantized import Quantized
from opparity.operators.refusal import kind_of, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opparity.formats import Recipe
    from opparity.nn.products import Product

# `_apply` and `_load_from_state_dict` below are methods of torch's that would never be called.
torch_names.require(torch_names.MODULES)

_DTYPES = (torch.bfloat16, torch.float16, torch.float32)
# Scales [tokens, groups], laid out by their strides.
_BY_STRIDES = (
    ScaleLayout.ROW_MAJOR,
    ScaleLayout.COLUMN_MAJOR,
    ScaleLayout.COLUMN_MAJOR_PADDED,
)


class QuantizedLinear(nn.Module):
    """input @ weight.T + bias, both factors quantised; the result has the module's dtype.

    Attributes:
        recipe: of the activations.
        scale_rows: rows of the weight that share a scale.
        scale_columns: columns that share one; None for the whole row.
        weight: quantised, [out_features, in_features].
        weight_scales: as the class says.
        bias: [out_features] of `dtype`, or None.
        dtype: of the result: bfloat16, float16 or float32.
        asked_product: the name of the product to take; None for the first that can serve.

    Moving the module to another dtype (`.half()`, `.to(torch.bfloat16)`) leaves all of these as
    they are, since a scale that is rounded once more stands for other weights.
    """

    recipe: ClassVar[str]
    scale_rows: ClassVar[int] = 1
    scale_columns: ClassVar[int | None] = None
    weight: Tensor
    weight_scales: Tensor
    bias: Tensor | None
    # No buffer, and without numbers: it has the dtype and device that a model was given by now.
    witness: Tensor | None = None

    def __init__(
        self,
        weight: Tensor,
        weight_scales: Tensor,
        bias: Tensor | None = None,
        *,
        dtype: torch.dtype = torch.bfloat16,
    ) -> None:
        super().__init__()
        self.asked_product: str | None = None
        if dtype not in _DTYPES:
            allowed = ", ".join(str(allowed) for allowed in _DTYPES)
            refuse(type(self).__name__, f"dtype is {dtype}; allowed: {allowed}; pass one of them")
        _check_matrix(type(self), weight)
        self.out_features, self.in_features = weight.shape
        if bias is not None and tuple(bias.shape) != (self.out_features,):
            refuse(
                type(self).__name__,
                f"bias has shape {tuple(bias.shape)}; allowed: ({self.out_features},), "
                "one for each row of the weight; pass that or None",
            )
        self.dtype = dtype
        self._check_weight(weight, weight_scales)
        self.register_buffer("weight", weight)
        self.register_buffer("weight_scales", weight_scales)
        self.register_buffer("bias", None if bias is None else bias.to(dtype))

    @classmethod
    def from_linear(cls, linear: nn.Linear) -> Self:
        """Quantise the weight of a module of torch's."""
        if not isinstance(linear, nn.Linear):
            refuse(
                cls.__name__,
                f"linear is {kind_of(linear)}; allowed: torch.nn.Linear; pass one, or its weight "
                "to from_weight",
            )
        bias = None if linear.bias is None else linear.bias.detach()
        weight = linear.weight.detach()
        return cls.from_weight(weight, bias, dtype=weight.dtype)

    @classmethod
    def from_weight(
        cls, weight: Tensor, bias: Tensor | None = None, *, dtype: torch.dtype | None = None
    ) -> Self:
        """Quantise a weight [out_features, in_features]; `dtype` is the weight's by default."""
        _check_matrix(cls, weight)
        if not weight.isfinite().all():
            refuse(
                cls.__name__,
                "the weight has NaN or infinity; allowed: finite weights; replace them",
            )
        return cls(*cls.quantise(weight), bias, dtype=dtype or weight.dtype)

    @classmethod
    def stack(cls, linears: Sequence[QuantizedLinear]) -> Self:
        """Return one module whose rows are those of several, first to last; no bit changes."""
        _check_layers(cls, linears)
        biases = [linear.bias for linear in linears if linear.bias is not None]
        if len(biases) not in (0, len(linears)) or len({m.dtype for m in linears}) > 1:
            refuse(
                cls.__name__,
                "some modules have a bias or dtype that others lack; allowed: the same for all; "
                "stack modules that agree",
            )
        for linear in linears[:-1]:
            objection = linear.objection_to_stacking()
            if objection is not None:
                refuse(cls.__name__, objection)
        stacked = cls(
            _stacked([linear.weight for linear in linears]),
            _stacked([linear.weight_scales for linear in linears]),
            torch.cat(biases) if biases else None,
            dtype=linears[0].dtype,
        )
        stacked.asked_product = linears[0].asked_product
        return stacked

    def forward(self, input: Tensor | Quantized) -> Tensor:
        """Return [..., out_features] from [..., in_features], quantised already or not.

        The gradient of the input is that of the product with the weight as it is quantised, as if
        the activations had not been.

        Raises:
            ArgumentRefused: for another recipe or width.
        """
        return self.multiply(input)

    def multiply(self, input: Tensor | Quantized, trained: Tensor | None = None) -> Tensor:
        """Do what `forward` does, with a gradient for what the weight was quantised from.

        Args:
            input: [..., in_features].
            trained: [out_features, in_features]; its numbers are not read.
        """
        product, input = self.product, self.quantised(input)
        leading = input.values.shape[:-1]
        values, scales = self.matrices(input)
        through = None
        if input.has_gradient:
            through = input.dequantize(self.dtype).reshape(values.shape)
        found: Tensor = quantized_linear(
            values,
            scales,
            self.weight,
            self.weight_scales,
            self.bias,
            through,
            trained,
            product.name,
            self.dtype,
        )
        return found if len(leading) == 1 else found.reshape(*leading, self.out_features)

    def quantised(self, input: Tensor | Quantized) -> Quantized:
        """Return an input as the product takes it, after refusing another recipe or width."""
        if not isinstance(input, Quantized):
            input = quantize(adjacent(input), self.product.activations)
        self.check_activations(input)
        return input

    def matrices(self, input: Quantized) -> tuple[Tensor, Tensor]:
        """Return values and scales [num_tokens, ...], without their gradients."""
        values, scales = input.values.detach(), input.scales.detach()
        leading = values.shape[:-1]
        if len(leading) == 1:
            return values, scales
        # Computed, since torch cannot infer it for an input without elements.
        num_tokens = math.prod(leading)
        return (
            values.reshape(num_tokens, self.in_features),
            scales.reshape(num_tokens, scales.shape[-1]),
        )

    @property
    def product(self) -> Product:
        """How the matrices are multiplied where the weight is: a row of opparity.nn.products."""
        return product_for(
            self.recipe, self.weight.device, self.in_features, self.out_features, self.asked_product
        )

    @property
    def activations(self) -> Recipe:
        """The recipe to hand to what comes before: the product's layout of scales costs no copy."""
        return self.product.activations

    def dequantized(self) -> Tensor:
        """Return the weight that values and scales stand for, float32."""
        return spread(self.weight, self.weight_scales)

    @classmethod
    def quantise(cls, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return a weight's values and scales, by the recipe of activations.

        A number that is not finite spoils its scale.
        """
        values, scales = quantize(weight, cls.recipe)
        return values, scales

    @classmethod
    def scales_from_checkpoint(cls, scales: Tensor) -> Tensor:
        """Return the scales of a file as the class takes them; bytes are exponents of two."""
        exponents = scales.dtype == torch.uint8
        return (scales.view(torch.float8_e8m0fnu) if exponents else scales).float()

    @abstractmethod
    def _check_weight(self, weight: Tensor, weight_scales: Tensor) -> None:
        """Refuse what the class does not take."""

    def check_activations(self, given: Quantized) -> None:
        """Refuse activations of another width or recipe than the weight's."""
        if given.shape[-1] != self.in_features:
            refuse(
                type(self).__name__,
                f"the input is {given.shape[-1]} wide; allowed: in_features, "
                f"{self.in_features}; pass an input of that width",
            )
        allowed = RECIPES[self.recipe]
        found = given.recipe
        if found.layout not in _BY_STRIDES or found.with_layout(allowed.layout) != allowed:
            refuse(
                type(self).__name__,
                f"the input is quantised by '{found}'; allowed: '{self.recipe}' with scales "
                "[tokens, groups]; quantise it by the module's `activations`, or pass a tensor",
            )
        groups = -(-self.in_features // allowed.group_in(self.in_features))
        shape, dtype = (*given.shape[:-1], groups), self.weight_scales.dtype
        scales = given.scales
        if tuple(scales.shape) != shape or scales.dtype != dtype:
            refuse(
                type(self).__name__,
                f"the input's scales are {scales.dtype} {tuple(scales.shape)}; allowed for "
                f"'{self.recipe}': {dtype} {shape}; pass the scales of its values",
            )

    def objection_to_stacking(self) -> str | None:
        """Return why no other module's rows may follow, or None."""
        if self.out_features % self.scale_rows == 0:
            return None
        return (
            f"a weight of {self.out_features} rows comes before another; allowed: a multiple of "
            f"{self.scale_rows}, so that no block is split; keep the modules apart"
        )

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        def keep_dtype(tensor: Tensor) -> Tensor:
            moved = fn(tensor)
            return moved if moved.dtype == tensor.dtype else tensor.to(moved.device)

        if self.witness is not None:
            self.witness = fn(self.witness)
        return super()._apply(keep_dtype, recurse)  # type: ignore[no-untyped-call, no-any-return]

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Refuse tensors of another dtype, which torch would round to codes in silence."""
        for name, own in self.named_buffers(recurse=False):
            given = state_dict.get(f"{prefix}{name}")
            if isinstance(given, Tensor) and given.dtype != own.dtype:
                error_msgs.append(
                    f"{prefix}{name} is {given.dtype}; allowed: {own.dtype}; quantise it by "
                    f"{type(self).__name__}.from_weight"
                )
                return
        super()._load_from_state_dict(
            state_dict,
            prefix,
            local_metadata,
            strict,
            missing_keys,
            unexpected_keys,
            error_msgs,
        )

    def extra_repr(self) -> str:
        """Return what torch prints of the module."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}, recipe='{self.recipe}', dtype={self.dtype}"
        )


def _check_matrix(kind: type[QuantizedLinear], weight: object) -> None:
    if not isinstance(weight, Tensor):
        refuse(
            kind.__name__,
            f"weight is {kind_of(weight)}; allowed: a tensor [out_features, in_features]; "
            "of a module of torch's make one by from_linear, of its weight by from_weight",
        )
    if weight.dim() != 2:  # noqa: PLR2004
        refuse(
            kind.__name__,
            f"weight has shape {tuple(weight.shape)}; allowed: [out_features, in_features]; "
            "pass a matrix",
        )


def _check_layers(kind: type[QuantizedLinear], layers: Sequence[object]) -> None:
    widths = {layer.in_features for layer in layers if isinstance(layer, kind)}
    if len(widths) != 1 or not all(isinstance(layer, kind) for layer in layers):
        names = ", ".join(type(layer).__name__ for layer in layers) or "none"
        refuse(
            kind.__name__,
            f"layers to stack are {names} of {len(widths)} widths; allowed: {kind.__name__}, at "
            "least one, all of one width; pass layers of one class and width",
        )


def _stacked(weights: Sequence[Tensor]) -> Tensor:
    # torch concatenates no float8 on every device.
    codes = torch.cat([weight.view(torch.uint8) for weight in weights])
    return codes.view(weights[0].dtype)
