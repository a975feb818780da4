"""Reading and writing a model as a block-FP8 checkpoint in the DeepSeek and Qwen naming.

A folder holds `config.json` and `model.safetensors`. Every MLP projection is float8_e4m3fn with
a float32 `weight_scale_inv` for each 128 x 128 block (in spite of its name a multiplier that
dequantises); every other weight is bfloat16. A scale that is missing is refused: a model whose
scales were dropped still runs, and writes nonsense.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from opparity.errors import CheckpointRefused
from opparity.evaluation.block_fp8 import (
    BLOCK,
    VALUE_DTYPE,
    BlockFp8Weight,
    quantise_weight,
    stack,
)
from opparity.evaluation.configuration_file import (
    TRAIN_ANEW,
    read_configuration,
    write_configuration,
)
from opparity.evaluation.language_model import Block, Configuration, LanguageModel, Mlp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

# In the source distribution and the repository; wheels leave the weights out.
SHIPPED = Path(__file__).parent / "model"
WEIGHTS = "model.safetensors"
PROJECTIONS = ("gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class MlpWeights:
    """The block-FP8 weights of one MLP.

    Attributes:
        gate_up: gate rows first, then up rows, [2 * intermediate_size, hidden_size].
        down: [hidden_size, intermediate_size].
    """

    gate_up: BlockFp8Weight
    down: BlockFp8Weight


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model as it lies on the disk.

    Attributes:
        configuration: its sizes.
        training: what the training script recorded about how it was made.
        weights: the bfloat16 weights by name.
        mlps: the block-FP8 weights, one entry for each layer.
    """

    configuration: Configuration
    training: Mapping[str, Any]
    weights: Mapping[str, Tensor]
    mlps: tuple[MlpWeights, ...]

    def model(self) -> LanguageModel:
        """Build the model in float32, its MLPs dequantised, ready for evaluation."""
        model = LanguageModel(self.configuration)
        tensors = {name: weight.float() for name, weight in self.weights.items()}
        for number, mlp in enumerate(self.mlps):
            prefix = f"model.layers.{number}.mlp"
            tensors[f"{prefix}.gate_up_proj.weight"] = mlp.gate_up.dequantised()
            tensors[f"{prefix}.down_proj.weight"] = mlp.down.dequantised()
        model.load_state_dict(tensors)
        return model.eval().requires_grad_(requires_grad=False)


def _projections(block: Block) -> dict[str, Tensor]:
    """Return a block's MLP matrices under their names in a checkpoint."""
    if not isinstance(block.mlp, Mlp):
        raise TypeError(f"{type(block.mlp).__name__} has no weights to write; give a trained model")
    gate, up = block.mlp.gate_up_proj.weight.chunk(2, dim=0)
    return dict(zip(PROJECTIONS, (gate, up, block.mlp.down_proj.weight), strict=True))


def write_checkpoint(model: LanguageModel, folder: Path, *, training: Mapping[str, Any]) -> Path:
    """Quantise a model's MLPs, write the checkpoint, and return the path of its weights."""
    tensors = {
        name: weight.detach().to("cpu", torch.bfloat16).contiguous()
        for name, weight in model.state_dict().items()
        if ".mlp." not in name
    }
    for number, block in enumerate(model.blocks):
        for name, weight in _projections(block).items():
            quantised = quantise_weight(weight.detach().cpu())
            key = f"model.layers.{number}.mlp.{name}.weight"
            tensors[key] = quantised.values.contiguous()
            tensors[f"{key}_scale_inv"] = quantised.scales.contiguous()
    folder.mkdir(parents=True, exist_ok=True)
    write_configuration(model.configuration, folder, training=training)
    save_file(dict(sorted(tensors.items())), folder / WEIGHTS, metadata={"format": "pt"})
    return folder / WEIGHTS


def read_checkpoint(folder: Path = SHIPPED) -> Checkpoint:
    """Read a checkpoint and check that it is whole.

    Raises:
        CheckpointRefused: a file, weight or scale is missing, or is not what its name promises.
    """
    configuration, training = read_configuration(folder)
    path = folder / WEIGHTS
    if not path.is_file():
        detail, remedy = "there is no such file", TRAIN_ANEW
        if folder == SHIPPED:
            detail = "wheels bring no weights"
            remedy = "pass --model src/opparity/evaluation/model of the source distribution"
        raise CheckpointRefused(path=path, detail=detail, remedy=remedy)
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise CheckpointRefused(path=path, detail=str(error), remedy=TRAIN_ANEW) from error
    taken = _Tensors(path, tensors)
    mlps = tuple(
        _read_mlp(taken, number, configuration) for number in range(configuration.num_layers)
    )
    expected = {
        name: tuple(weight.shape)
        for name, weight in LanguageModel(configuration).state_dict().items()
        if ".mlp." not in name
    }
    weights = {name: taken.take(name, torch.bfloat16, shape) for name, shape in expected.items()}
    taken.refuse_what_is_left()
    return Checkpoint(configuration, training, weights, mlps)


class _Tensors:
    """The tensors of a file, taken one by one so that none is missed and none is left over."""

    def __init__(self, path: Path, tensors: dict[str, Tensor]) -> None:
        self.path = path
        self.left = tensors

    def take(self, name: str, dtype: torch.dtype, shape: tuple[int, ...]) -> Tensor:
        """Return a tensor of that dtype and shape, or refuse the checkpoint."""
        if name not in self.left:
            detail = f"{name} is missing"
            raise CheckpointRefused(path=self.path, detail=detail, remedy=TRAIN_ANEW)
        tensor = self.left.pop(name)
        if tensor.dtype is not dtype or tuple(tensor.shape) != shape:
            detail = f"{name} is {tensor.dtype} {tuple(tensor.shape)}, and must be {dtype} {shape}"
            raise CheckpointRefused(path=self.path, detail=detail, remedy=TRAIN_ANEW)
        return tensor

    def take_scales(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """Return scales, each of them finite and above zero, or refuse the checkpoint."""
        scales = self.take(name, torch.float32, shape)
        if not (scales.isfinite() & (scales > 0)).all():
            detail = f"{name} holds a scale that is not finite and above zero"
            raise CheckpointRefused(path=self.path, detail=detail, remedy=TRAIN_ANEW)
        return scales

    def refuse_what_is_left(self) -> None:
        """Refuse a checkpoint with tensors that no part of the model reads."""
        if self.left:
            detail = f"nothing reads {', '.join(sorted(self.left))}"
            raise CheckpointRefused(path=self.path, detail=detail, remedy=TRAIN_ANEW)


def _read_mlp(tensors: _Tensors, number: int, configuration: Configuration) -> MlpWeights:
    """Take the three projections of a layer, gate and up put under one another."""
    hidden, inner = configuration.hidden_size, configuration.intermediate_size
    shapes = dict(
        zip(PROJECTIONS, ((inner, hidden), (inner, hidden), (hidden, inner)), strict=True)
    )
    read = {}
    for name, (rows, columns) in shapes.items():
        key = f"model.layers.{number}.mlp.{name}.weight"
        values = tensors.take(key, VALUE_DTYPE, (rows, columns))
        scales = tensors.take_scales(f"{key}_scale_inv", (rows // BLOCK, columns // BLOCK))
        read[name] = BlockFp8Weight(values, scales)
    return MlpWeights(stack((read["gate_proj"], read["up_proj"])), read["down_proj"])
