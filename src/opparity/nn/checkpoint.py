"""Linear layers from a folder of safetensors, each tensor read when it is asked for."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import torch

from opparity.errors import CheckpointRefused
from opparity.nn.block_fp8 import BlockFP8Linear
from opparity.nn.int8 import Int8Linear

if TYPE_CHECKING:
    from torch import Tensor

    from opparity.nn.linear import QuantizedLinear

_INDEX = "model.safetensors.index.json"
_ONE_FILE = "model.safetensors"
# What checkpoints call the numbers that codes are multiplied with.
_SCALES = ("weight_scale_inv", "weight_scale")
# What says that codes stand for something else than their product with the scales.
_OTHERWISE = ("weight_zero_point", "weight_g_idx", "input_scale")
_FLOATS = (torch.float32, torch.bfloat16, torch.float16)
_Linear = TypeVar("_Linear", bound="QuantizedLinear")


class Checkpoint:
    """A folder with model.safetensors, or several such files and their index."""

    def __init__(self, folder: Path | str, *, device: str = "cpu") -> None:
        self.folder, self.device = Path(folder), device
        self._files = self._read_index()

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def tensor(self, name: str) -> Tensor:
        """Read one tensor.

        Raises:
            CheckpointRefused: there is none of that name; near names are told.
        """
        from safetensors import safe_open  # noqa: PLC0415 -- modules are made without it too

        if name not in self._files:
            self._refuse_name(name)
        with safe_open(self.folder / self._files[name], framework="pt", device=self.device) as file:
            found: Tensor = file.get_tensor(name)
        return found

    def linear(
        self, kind: type[_Linear], prefix: str, *, dtype: torch.dtype | None = None
    ) -> _Linear:
        """Return the linear layer whose weight is `prefix`.weight, quantised already or not.

        Args:
            kind: BlockFP8Linear or Int8Linear.
            prefix: of the layer's tensors.
            dtype: of the layer's result; the unquantised weight's by default, otherwise bfloat16.

        Raises:
            CheckpointRefused: a tensor is missing, or quantised in another way.
        """
        weight = self.tensor(f"{prefix}.weight")
        bias = self.tensor(f"{prefix}.bias") if f"{prefix}.bias" in self else None
        if weight.dtype in _FLOATS:
            return kind.from_weight(weight, bias, dtype=dtype)
        wanted = _CODES[kind]
        if weight.dtype != wanted:
            self._refuse(
                f"{prefix}.weight is {weight.dtype}; allowed: {wanted}, or a weight that is not "
                f"quantised, for {kind.__name__}",
                "take the module of that format",
            )
        for name in _OTHERWISE:
            if f"{prefix}.{name}" in self:
                self._refuse(
                    f"{prefix}.{name} is there: {kind.__name__} reads symmetric codes in their "
                    "order, and computes the activations' scales",
                    "read a checkpoint without it",
                )
        scales = self._scales(prefix, weight)
        if kind is Int8Linear:
            scales = scales.reshape(-1, 1)
        return kind(weight, scales, bias, dtype=dtype or torch.bfloat16)

    def _scales(self, prefix: str, weight: Tensor) -> Tensor:
        names = [f"{prefix}.{name}" for name in _SCALES]
        found = next((name for name in names if name in self), None)
        if found is None:
            self._refuse(
                f"{prefix}.weight is {weight.dtype}, and {' or '.join(names)} is missing, without "
                "which its codes stand for nothing",
                "add the scales, or read a checkpoint that is not quantised",
            )
        return self.tensor(found).float()

    def _read_index(self) -> dict[str, str]:
        from safetensors import safe_open  # noqa: PLC0415 -- modules are made without it too

        index = self.folder / _INDEX
        if index.is_file():
            return self._listed(index)
        if not (self.folder / _ONE_FILE).is_file():
            self._refuse(f"there is neither {_ONE_FILE} nor {_INDEX}", "name a folder with one")
        with safe_open(self.folder / _ONE_FILE, framework="pt") as file:
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


_CODES: dict[type[QuantizedLinear], torch.dtype] = {
    BlockFP8Linear: torch.float8_e4m3fn,
    Int8Linear: torch.int8,
}
