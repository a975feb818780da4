from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import save_file

from opparity.errors import CheckpointRefused
from opparity.nn import BlockFP8Linear, Checkpoint, Int8Linear, Int8SwiGLU, SwiGLU

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("gate_proj", "up_proj", "down_proj")
SHAPES = ((384, 256), (384, 256), (256, 384))
PREFIX = "model.layers.0.mlp"


def weights() -> dict[str, torch.Tensor]:
    return {
        f"{PREFIX}.{name}.weight": torch.randn(shape, dtype=torch.bfloat16)
        for name, shape in zip(NAMES, SHAPES, strict=True)
    }


def quantised(
    kind: type[BlockFP8Linear | Int8Linear], scale_name: str, dtype: torch.dtype
) -> tuple[dict[str, torch.Tensor], list[BlockFP8Linear | Int8Linear]]:
    tensors, modules = {}, []
    for name, weight in weights().items():
        linear = kind.from_weight(weight)
        tensors[name] = linear.weight
        tensors[name.replace("weight", scale_name)] = linear.weight_scales.to(dtype)
        linear.weight_scales = linear.weight_scales.to(dtype).float()
        modules.append(linear)
    return tensors, modules


@pytest.mark.parametrize("kind", [SwiGLU, Int8SwiGLU])
def test_a_bfloat16_checkpoint_is_quantised_as_it_is_read(
    kind: type[SwiGLU], tmp_path: Path
) -> None:
    tensors = weights()
    save_file(tensors, tmp_path / "model.safetensors")
    mlp = kind.from_checkpoint(Checkpoint(tmp_path), PREFIX)
    gate, up, down = (kind.linear.from_weight(tensors[f"{PREFIX}.{n}.weight"]) for n in NAMES)
    input = torch.randn(4, 256, dtype=torch.bfloat16)
    assert torch.equal(mlp(input), kind(kind.linear.stack([gate, up]), down)(input))
    assert mlp.down.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("kind", "linear", "scale_name", "dtype"),
    [
        (SwiGLU, BlockFP8Linear, "weight_scale_inv", torch.float32),
        (SwiGLU, BlockFP8Linear, "weight_scale", torch.bfloat16),
        (Int8SwiGLU, Int8Linear, "weight_scale", torch.bfloat16),
    ],
    ids=["DeepSeek and Qwen", "compressed-tensors, blocks", "compressed-tensors, int8"],
)
def test_codes_and_scales_are_taken_as_they_are(
    kind: type[SwiGLU],
    linear: type[BlockFP8Linear | Int8Linear],
    scale_name: str,
    dtype: torch.dtype,
    tmp_path: Path,
) -> None:
    tensors, modules = quantised(linear, scale_name, dtype)
    save_file(tensors, tmp_path / "model.safetensors")
    mlp = kind.from_checkpoint(Checkpoint(tmp_path), PREFIX, dtype=torch.float16)
    assert mlp.down.dtype == torch.float16
    assert torch.equal(mlp.down.weight_scales, modules[2].weight_scales)
    assert torch.equal(mlp.down.dequantized(), modules[2].dequantized())
    both = torch.cat([module.dequantized() for module in modules[:2]])
    assert torch.equal(mlp.gate_up.dequantized(), both)


def test_only_the_files_that_are_asked_for_are_opened(tmp_path: Path) -> None:
    tensors = weights()
    save_file(tensors, tmp_path / "first.safetensors")
    files = dict.fromkeys(tensors, "first.safetensors") | {"lm_head.weight": "absent.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}))
    checkpoint = Checkpoint(tmp_path)
    assert "lm_head.weight" in checkpoint
    assert SwiGLU.from_checkpoint(checkpoint, PREFIX).down.in_features == 384


def test_codes_without_scales_are_refused(tmp_path: Path) -> None:
    tensors, _ = quantised(BlockFP8Linear, "weight_scale_inv", torch.float32)
    del tensors[f"{PREFIX}.up_proj.weight_scale_inv"]
    save_file(tensors, tmp_path / "model.safetensors")
    words = rf"{PREFIX}.up_proj.weight_scale_inv or .*weight_scale is missing"
    with pytest.raises(CheckpointRefused, match=words):
        SwiGLU.from_checkpoint(Checkpoint(tmp_path), PREFIX)


def test_codes_of_another_format_are_refused(tmp_path: Path) -> None:
    tensors, _ = quantised(BlockFP8Linear, "weight_scale_inv", torch.float32)
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointRefused, match=r"float8_e4m3fn; allowed: torch\.int8"):
        Int8SwiGLU.from_checkpoint(Checkpoint(tmp_path), PREFIX)


def test_a_name_that_is_not_there_is_told_with_its_neighbours(tmp_path: Path) -> None:
    save_file(weights(), tmp_path / "model.safetensors")
    with pytest.raises(CheckpointRefused, match=r"layers\.1\.mlp.*near names: model\.layers\.0"):
        SwiGLU.from_checkpoint(Checkpoint(tmp_path), "model.layers.1.mlp")
    with pytest.raises(CheckpointRefused, match=r"neither model\.safetensors nor"):
        Checkpoint(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ("{", "has no weight_map of files: JSONDecodeError"),
        ("[]", "has no weight_map of files: TypeError"),
        ('{"weight_map": {"a": 1}}', "has no weight_map of files: TypeError"),
        ('{"weight_map": {"a": "../b.safetensors"}}', "names files outside of the folder"),
    ],
)
def test_an_index_that_is_none_is_refused(index: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(CheckpointRefused, match=words):
        Checkpoint(tmp_path)
