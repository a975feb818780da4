"""Linear layers from a folder of safetensors, each tensor read when it is asked for."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import torch

from opparity.errors import ArgumentRefused, CheckpointRefused, PackageUnusable
from opparity.nn.block_fp8 import BlockFP8Linear
from opparity.nn.int8 import Int8Linear
from opparity.nn.mxfp8 import GROUP, MXFP8Linear
from opparity.packages import objection

if TYPE_CHECKING:
    from safetensors import safe_open
    from torch import Tensor

    from opparity.nn.linear import QuantizedLinear

_INDEX = "model.safetensors.index.json"
_ONE_FILE = "model.safetensors"
# What checkpoints call the numbers that codes are multiplied by.
_SCALES = ("weight_scale_inv", "weight_scale")
# What says that codes stand for something else than their product with the scales.
OTHERWISE = ("weight_zero_point", "weight_g_idx", "input_scale")
_FLOATS = (torch.float32, torch.bfloat16, torch.float16)
_EXPONENTS = (torch.uint8, torch.float8_e8m0fnu)
_Linear = TypeVar("_Linear", bound="QuantizedLinear")


class Checkpoint:
    """A folder with model.safetensors, or several such files and their index."""

    def __init__(self, folder: Path | str, *, device: str = "cpu") -> None:
        self.folder, self.device = Path(folder), device
        self._files = self._read_index()
        self._read: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._files

    @property
    def unread(self) -> list[str]:
        """The names of tensors that nobody has asked for yet."""
        return sorted(self._files.keys() - self._read)

    def tensor(self, name: str) -> Tensor:
        """Read one tensor.

        Raises:
            CheckpointRefused: there is none of that name; near names are told.
        """
        if name not in self._files:
            self._refuse_name(name)
        self._read.add(name)
        with self._opened(self._files[name]) as file:
            found: Tensor = file.get_tensor(name)
        return found

    def weight(self, prefix: str) -> Tensor:
        """Return what `prefix`.weight stands for, float32, whether it is quantised or not.

        Raises:
            CheckpointRefused: a tensor is missing, or quantised in a way that nothing here reads.
        """
        weight = self.tensor(f"{prefix}.weight")
        if weight.dtype in _FLOATS:
            return weight.float()
        return self._quantised(prefix, weight, None, torch.float32).dequantized()

    def linear(
        self,
        kind: type[_Linear],
        prefix: str,
        *,
        dtype: torch.dtype | None = None,
        requantise: bool = False,
    ) -> _Linear:
        """Return the linear layer whose weight is `prefix`.weight, quantised already or not.

        Args:
            kind: BlockFP8Linear, MXFP8Linear or Int8Linear.
            prefix: of the layer's tensors.
            dtype: of the layer's result; the unquantised weight's by default, otherwise bfloat16.
            requantise: whether a weight that is quantised in another way is taken for what it
                stands for, and quantised once more.

        Raises:
            CheckpointRefused: a tensor is missing, or quantised in another way.
        """
        weight = self.tensor(f"{prefix}.weight")
        bias = self.tensor(f"{prefix}.bias") if f"{prefix}.bias" in self else None
        if weight.dtype in _FLOATS:
            return kind.from_weight(weight, bias, dtype=dtype)
        found = self._quantised(prefix, weight, bias, dtype or torch.bfloat16)
        if isinstance(found, kind):
            return found
        if requantise:
            return kind.from_weight(found.dequantized(), bias, dtype=found.dtype)
        return self._refuse(
            f"{prefix}.weight is {weight.dtype}, and its scales are those of "
            f"{type(found).__name__}; allowed: codes of {kind.__name__}, or a weight that is not "
            "quantised",
            f"take {type(found).__name__}, or pass requantise=True",
        )

    def _quantised(
        self, prefix: str, weight: Tensor, bias: Tensor | None, dtype: torch.dtype
    ) -> QuantizedLinear:
        """Return the layer of the format that the codes and scales have."""
        for name in OTHERWISE:
            if f"{prefix}.{name}" in self:
                self._refuse(
                    f"{prefix}.{name} is there: the modules here read symmetric codes in their "
                    "order, and compute the activations' scales",
                    "read a checkpoint without it",
                )
        scales = self._scales(prefix, weight)
        kind = _kind_of(weight, scales)
        if kind is None:
            self._refuse(
                f"{prefix}.weight is {weight.dtype}; allowed: torch.float8_e4m3fn, torch.int8, or "
                "a weight that is not quantised",
                "read another checkpoint",
            )
        try:
            return kind(weight, kind.scales_from_checkpoint(scales), bias, dtype=dtype)
        except ArgumentRefused as error:
            return self._refuse(f"{prefix}: {error}", "read a checkpoint that is quantised so")

    def _scales(self, prefix: str, weight: Tensor) -> Tensor:
        names = [f"{prefix}.{name}" for name in _SCALES]
        found = next((name for name in names if name in self), None)
        if found is None:
            self._refuse(
                f"{prefix}.weight is {weight.dtype}, and {' or '.join(names)} is missing, without "
                "which its codes stand for nothing",
                "add the scales, or read a checkpoint that is not quantised",
            )
        scales = self.tensor(found)
        # Exponents may be stored as bytes, of which 255 is NaN.
        exponents = scales.dtype == torch.uint8
        numbers = (scales.view(torch.float8_e8m0fnu) if exponents else scales).float()
        # A scale of zero may stand for a block of zeros.
        if not (numbers.isfinite() & (numbers >= 0)).all():
            self._refuse(
                f"{found} holds a scale that is negative or not finite",
                "write the checkpoint anew, or read another",
            )
        return scales

    def _opened(self, name: str) -> safe_open:
        if reason := objection("safetensors"):
            raise PackageUnusable(what="opparity.nn.Checkpoint", reason=reason)
        from safetensors import SafetensorError, safe_open  # noqa: PLC0415 -- modules need it not

        try:
            return safe_open(self.folder / name, framework="pt", device=self.device)
        except (SafetensorError, OSError) as error:
            return self._refuse(f"{name}: {error}", "fetch or write the file anew")

    def _read_index(self) -> dict[str, str]:
        index = self.folder / _INDEX
        if index.is_file():
            return self._listed(index)
        if not (self.folder / _ONE_FILE).is_file():
            self._refuse(f"there is neither {_ONE_FILE} nor {_INDEX}", "name a folder with one")
        with self._opened(_ONE_FILE) as file:
            return dict.fromkeys(file.keys(), _ONE_FILE)

    def _listed(self, index: Path) -> dict[str, str]:
        """Return the file of each tensor, as an index lists them."""
        try:
            files = json.loads(index.read_text("utf-8"))["weight_map"]
            plain = all(Path(file).name == file for file in files.values())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            detail = f"{index.name} has no weight_map of files: {type(error).__name__}: {error}"
            self._refuse(detail, "write the index anew")
        if not plain:
            self._refuse(f"{index.name} names files outside of the folder", "put them into it")
        found: dict[str, str] = files
        return found

    def _refuse_name(self, name: str) -> NoReturn:
        near = difflib.get_close_matches(name, self._files, n=3)
        hint = f"near names: {', '.join(near)}" if near else f"{len(self._files)} others are there"
        self._refuse(f"there is no tensor {name}; {hint}", "check the prefix")

    def _refuse(self, detail: str, remedy: str) -> NoReturn:
        raise CheckpointRefused(path=self.folder, detail=detail, remedy=remedy)


def _kind_of(weight: Tensor, scales: Tensor) -> type[QuantizedLinear] | None:
    """Return the layer that a weight and its scales are of, or None."""
    of_groups = (weight.shape[0], -(-weight.shape[-1] // GROUP))
    microscaled = scales.dtype in _EXPONENTS and tuple(scales.shape) == of_groups
    if weight.dtype == torch.float8_e4m3fn:
        return MXFP8Linear if microscaled else BlockFP8Linear
    return Int8Linear if weight.dtype == torch.int8 else None
