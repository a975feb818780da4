"""The folder of a model: `config.json` and `model.safetensors`, in the DeepSeek and Qwen naming.

Every MLP projection is float8_e4m3fn with a float32 `weight_scale_inv` for each 128 x 128 block (in
spite of its name a multiplier that dequantises); every other weight is bfloat16.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file

from opparity.errors import CheckpointRefused
from opparity.evaluation.configuration_file import (
    TRAIN_ANEW,
    read_configuration,
    write_configuration,
)
from opparity.evaluation.language_model import LanguageModel
from opparity.evaluation.served_parts import ServedParts
from opparity.nn import BlockFP8Linear, Checkpoint, ask_for_product

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opparity.evaluation.number_formats import NumberFormat

# In the source distribution and the repository; wheels leave the weights out.
SHIPPED = Path(__file__).parent / "model"
WEIGHTS = "model.safetensors"


def read_model(
    folder: Path, numbers: NumberFormat, device: torch.device | str = "cpu"
) -> LanguageModel:
    """Read a model in a format, ready for evaluation on a device.

    Raises:
        CheckpointRefused: a file, weight or scale is missing, or is not what its name promises.
    """
    configuration, _ = read_configuration(folder)
    if not (folder / WEIGHTS).is_file():
        detail, remedy = "there is no such file", TRAIN_ANEW
        if folder == SHIPPED:
            detail = "wheels bring no weights"
            remedy = "pass --model src/opparity/evaluation/model of the source distribution"
        raise CheckpointRefused(path=folder / WEIGHTS, detail=detail, remedy=remedy)
    checkpoint = Checkpoint(folder)
    model = LanguageModel(configuration, ServedParts(checkpoint, configuration, numbers))
    if checkpoint.unread:
        detail = f"nothing reads {', '.join(checkpoint.unread)}"
        raise CheckpointRefused(path=folder / WEIGHTS, detail=detail, remedy=TRAIN_ANEW)
    model = model.to(device).eval().requires_grad_(requires_grad=False)
    ask_for_product(model, numbers.product)
    return model


def write_checkpoint(model: LanguageModel, folder: Path, *, training: Mapping[str, Any]) -> Path:
    """Quantise a trained model's MLPs, write the checkpoint, and return the path of its weights."""
    tensors = {}
    for name, weight in model.state_dict().items():
        if ".mlp." not in name:
            tensors[name] = weight.detach().to("cpu", torch.bfloat16).contiguous()
            continue
        gated = "gate_up_proj" in name
        parts = ("gate_proj", "up_proj") if gated else ("down_proj",)
        prefix = name.rsplit(".", 2)[0]
        for part, matrix in zip(parts, weight.detach().cpu().chunk(len(parts)), strict=True):
            layer = BlockFP8Linear.from_weight(matrix)
            tensors[f"{prefix}.{part}.weight"] = layer.weight
            tensors[f"{prefix}.{part}.weight_scale_inv"] = layer.weight_scales
    folder.mkdir(parents=True, exist_ok=True)
    write_configuration(model.configuration, folder, training=training)
    save_file(dict(sorted(tensors.items())), folder / WEIGHTS, metadata={"format": "pt"})
    return folder / WEIGHTS
