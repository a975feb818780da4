from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import save_file

from opparity.errors import CheckpointRefused, PackageUnusable
from opparity.nn import (
    BlockFP8Linear,
    Checkpoint,
    Int8Linear,
    Int8SwiGLU,
    MXFP8Linear,
    QuantizedLinear,
    SwiGLU,
)
from opparity.packages import objection

if TYPE_CHECKING:
    from pathlib import Path

KINDS: list[type[QuantizedLinear]] = [BlockFP8Linear, MXFP8Linear, Int8Linear]
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
    words = "its scales are those of BlockFP8Linear; allowed: codes of Int8Linear.*requantise=True"
    with pytest.raises(CheckpointRefused, match=words):
        Int8SwiGLU.from_checkpoint(Checkpoint(tmp_path), PREFIX)


def one_layer(kind: type[QuantizedLinear], folder: Path) -> QuantizedLinear:
    """Write a layer as checkpoints have it, exponents as plain bytes, and return it."""
    layer = kind.from_weight(torch.randn(160, 96))
    scales = layer.weight_scales
    exponents = scales.dtype == torch.float8_e8m0fnu
    save_file(
        {
            "one.weight": layer.weight,
            "one.weight_scale": scales.view(torch.uint8) if exponents else scales,
        },
        folder / "model.safetensors",
    )
    return layer


@pytest.mark.parametrize("kind", KINDS)
def test_a_quantised_layer_is_read_as_what_it_is(
    kind: type[QuantizedLinear], tmp_path: Path
) -> None:
    layer = one_layer(kind, tmp_path)
    found = Checkpoint(tmp_path).linear(kind, "one", dtype=torch.float32)
    assert torch.equal(found.weight.view(torch.uint8), layer.weight.view(torch.uint8))
    assert torch.equal(found.dequantized(), layer.dequantized())
    assert torch.equal(Checkpoint(tmp_path).weight("one"), layer.dequantized())


@pytest.mark.parametrize("stored", KINDS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_quantised_in_another_way_is_quantised_once_more_on_request(
    stored: type[QuantizedLinear], kind: type[QuantizedLinear], tmp_path: Path
) -> None:
    layer = one_layer(stored, tmp_path)
    found = Checkpoint(tmp_path).linear(kind, "one", dtype=torch.float16, requantise=True)
    assert found.dtype == torch.float16
    expected = layer if kind is stored else kind.from_weight(layer.dequantized())
    assert torch.equal(found.dequantized(), expected.dequantized())


def test_what_nobody_has_asked_for_is_listed(tmp_path: Path) -> None:
    save_file({**weights(), "stray": torch.zeros(1)}, tmp_path / "model.safetensors")
    checkpoint = Checkpoint(tmp_path)
    assert len(checkpoint.unread) == 4
    SwiGLU.from_checkpoint(checkpoint, PREFIX)
    assert checkpoint.unread == ["stray"]


@pytest.mark.parametrize("number", [-1.0, float("nan"), float("inf")])
def test_a_scale_that_cannot_be_one_is_refused(number: float, tmp_path: Path) -> None:
    layer = BlockFP8Linear.from_weight(torch.randn(160, 96))
    layer.weight_scales[1] = number
    tensors = {"one.weight": layer.weight, "one.weight_scale_inv": layer.weight_scales}
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointRefused, match=r"one\.weight_scale_inv holds a scale that is neg"):
        Checkpoint(tmp_path).linear(BlockFP8Linear, "one")


def test_codes_of_an_unknown_format_are_refused(tmp_path: Path) -> None:
    tensors = {"one.weight": torch.zeros(4, 4).byte(), "one.weight_scale": torch.ones(4, 1)}
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(
        CheckpointRefused, match=r"uint8; allowed: torch\.float8_e4m3fn, torch\.int8"
    ):
        Checkpoint(tmp_path).weight("one")


def test_a_damaged_or_missing_file_is_refused_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_text("no tensors")
    with pytest.raises(CheckpointRefused, match=r"model.safetensors: .*[Hh]eader"):
        Checkpoint(tmp_path)
    index = json.dumps({"weight_map": {"one.weight": "absent.safetensors"}})
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(CheckpointRefused, match=r"absent.safetensors: .*[Nn]o such file"):
        Checkpoint(tmp_path).tensor("one.weight")


def test_without_safetensors_it_is_said_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file(weights(), tmp_path / "model.safetensors")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    # Not what an earlier test has found.
    monkeypatch.setattr("opparity.nn.checkpoint.objection", objection.__wrapped__)
    with pytest.raises(PackageUnusable, match=r"Checkpoint cannot .*`pip install safetensors`"):
        Checkpoint(tmp_path)


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


def test_an_exponent_that_is_nan_is_refused(tmp_path: Path) -> None:
    layer = MXFP8Linear.from_weight(torch.randn(64, 96))
    scales = layer.weight_scales.view(torch.uint8).clone()
    scales[1, 2] = 255
    save_file(
        {"one.weight": layer.weight, "one.weight_scale": scales}, tmp_path / "model.safetensors"
    )
    with pytest.raises(CheckpointRefused, match="holds a scale that is negative or not finite"):
        Checkpoint(tmp_path).linear(MXFP8Linear, "one")


@pytest.mark.parametrize("shape", [(2, 128), (1, 256), ()])
def test_scales_of_blocks_are_none_of_rows(shape: tuple[int, ...], tmp_path: Path) -> None:
    """As many blocks of 128 x 128 as rows: 256 x 16384."""
    codes = torch.ones(256, 16384, dtype=torch.int8)
    tensors = {"one.weight": codes, "one.weight_scale": torch.ones(shape)}
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointRefused, match=r"one: Int8Linear: weight_scales has shape"):
        Checkpoint(tmp_path).weight("one")


@pytest.mark.parametrize("shape", [(), (1,), (256, 1), (256, 4)])
def test_fp8_by_other_groups_is_refused(shape: tuple[int, ...], tmp_path: Path) -> None:
    codes = torch.ones(256, 256).to(torch.float8_e4m3fn)
    tensors = {"one.weight": codes, "one.weight_scale": torch.ones(shape)}
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointRefused, match=r"one: BlockFP8Linear: weight_scales has shape"):
        Checkpoint(tmp_path).linear(BlockFP8Linear, "one", requantise=True)
