from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file, save_file

from opparity.errors import CheckpointRefused
from opparity.evaluation.block_fp8 import quantise_weight
from opparity.evaluation.checkpoint import WEIGHTS, read_checkpoint
from opparity.evaluation.configuration_file import CONFIGURATION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opparity.evaluation.language_model import LanguageModel

PROJECTIONS = [
    f"model.layers.{layer}.mlp.{name}_proj.weight"
    for layer in range(2)
    for name in ("gate", "up", "down")
]


def rewrite(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS)


def test_a_checkpoint_gives_back_the_model_up_to_its_formats(
    small_model: LanguageModel, small_folder: Path
) -> None:
    read = read_checkpoint(small_folder)
    assert read.configuration == small_model.configuration
    assert read.training == {"seed": 3}
    found = read.model().state_dict()
    for name, weight in small_model.state_dict().items():
        expected = weight.bfloat16().float()
        if ".mlp." in name:
            halves = weight.chunk(2) if "gate_up" in name else (weight,)
            expected = torch.cat([quantise_weight(half).dequantised() for half in halves])
        assert torch.equal(found[name], expected), name


def test_the_file_has_the_names_and_dtypes_that_other_runtimes_look_for(
    small_folder: Path,
) -> None:
    tensors = load_file(small_folder / WEIGHTS)
    for name in PROJECTIONS:
        rows, columns = tensors[name].shape
        assert tensors[name].dtype is torch.float8_e4m3fn
        assert tensors[f"{name}_scale_inv"].dtype is torch.float32
        assert tensors[f"{name}_scale_inv"].shape == (rows // 128, columns // 128)
    others = {name for name in tensors if ".mlp." not in name}
    assert {tensors[name].dtype for name in others} == {torch.bfloat16}
    document = json.loads((small_folder / CONFIGURATION).read_text())
    assert document["architectures"] == ["LlamaForCausalLM"]
    assert document["quantization_config"]["weight_block_size"] == [128, 128]
    unquantised = document["quantization_config"]["modules_to_not_convert"]
    assert not [name for name in unquantised if ".mlp" in name]


@pytest.mark.parametrize("name", PROJECTIONS)
def test_a_missing_scale_is_refused_and_named(small_folder: Path, name: str) -> None:
    rewrite(small_folder, lambda tensors: tensors.pop(f"{name}_scale_inv"))
    with pytest.raises(CheckpointRefused, match=f"{name}_scale_inv is missing; train it again"):
        read_checkpoint(small_folder)


@pytest.mark.parametrize("number", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_cannot_be_one_is_refused(small_folder: Path, number: float) -> None:
    rewrite(
        small_folder,
        lambda tensors: tensors[f"{PROJECTIONS[3]}_scale_inv"][0].fill_(number),
    )
    with pytest.raises(CheckpointRefused, match="a scale that is not finite and above zero"):
        read_checkpoint(small_folder)


def test_a_weight_of_another_dtype_is_refused(small_folder: Path) -> None:
    def widen(tensors: dict[str, torch.Tensor]) -> None:
        tensors[PROJECTIONS[0]] = tensors[PROJECTIONS[0]].bfloat16()

    rewrite(small_folder, widen)
    with pytest.raises(CheckpointRefused, match=r"bfloat16 \(256, 128\), and must be .*e4m3fn"):
        read_checkpoint(small_folder)


def test_scales_of_another_block_size_are_refused(small_folder: Path) -> None:
    def refine(tensors: dict[str, torch.Tensor]) -> None:
        name = f"{PROJECTIONS[0]}_scale_inv"
        tensors[name] = tensors[name].repeat(2, 1)

    rewrite(small_folder, refine)
    with pytest.raises(CheckpointRefused, match=r"\(4, 1\), and must be torch.float32 \(2, 1\)"):
        read_checkpoint(small_folder)


def test_a_tensor_that_nothing_reads_is_refused(small_folder: Path) -> None:
    rewrite(small_folder, lambda tensors: tensors.update(stray=torch.zeros(1)))
    with pytest.raises(CheckpointRefused, match="nothing reads stray"):
        read_checkpoint(small_folder)


@pytest.mark.parametrize("name", [WEIGHTS, CONFIGURATION])
def test_a_missing_file_is_refused(small_folder: Path, name: str) -> None:
    (small_folder / name).unlink()
    with pytest.raises(CheckpointRefused, match=f"{name}: there is no such file"):
        read_checkpoint(small_folder)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (WEIGHTS, "no tensors", "[Hh]eader"),
        (CONFIGURATION, "{", "Expecting property name"),
        (CONFIGURATION, "[]", "a JSON list was given"),
        (CONFIGURATION, "{}", "the key 'hidden_size' is missing"),
        (CONFIGURATION, '{"hidden_size": "wide"}', "hidden_size is 'wide'"),
    ],
)
def test_a_damaged_file_is_refused_with_its_reason(
    small_folder: Path, name: str, content: str, reason: str
) -> None:
    (small_folder / name).write_text(content)
    with pytest.raises(CheckpointRefused, match=reason):
        read_checkpoint(small_folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hidden_size", 0),
        ("hidden_size", 130),
        ("num_attention_heads", 5),
        ("intermediate_size", 200),
        ("rms_norm_eps", -1.0),
    ],
)
def test_sizes_that_make_no_model_are_refused(small_folder: Path, key: str, value: float) -> None:
    path = small_folder / CONFIGURATION
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(CheckpointRefused, match=key):
        read_checkpoint(small_folder)
