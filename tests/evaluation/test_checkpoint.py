from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file, save_file

from opparity.errors import CheckpointRefused
from opparity.evaluation.checkpoint import WEIGHTS, read_model
from opparity.evaluation.configuration_file import CONFIGURATION, read_configuration
from opparity.evaluation.language_model import bits_of, inputs_for
from opparity.evaluation.number_formats import FLOAT32, FORMATS, NumberFormat
from opparity.nn import BlockFP8Linear, QuantizedLinear, RMSNorm

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opparity.evaluation.language_model import LanguageModel

PROJECTIONS = [
    f"model.layers.{layer}.mlp.{name}_proj.weight"
    for layer in range(2)
    for name in ("gate", "up", "down")
]
QUANTISED = [numbers for numbers in FORMATS if numbers.linear is not None]


def name_of(numbers: NumberFormat) -> str:
    return numbers.name


def rewrite(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS)


def windows() -> torch.Tensor:
    drawn = torch.Generator().manual_seed(5)
    return torch.randint(1, 256, (3, 64), dtype=torch.uint8, generator=drawn)


def rounded(model: LanguageModel) -> LanguageModel:
    """Return a trained model with the weights that its checkpoint stands for."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if ".mlp." not in name:
                weight.copy_(weight.bfloat16())
                continue
            halves = weight.chunk(2) if "gate_up" in name else (weight,)
            layers = [BlockFP8Linear.from_weight(half) for half in halves]
            weight.copy_(torch.cat([layer.dequantized() for layer in layers]))
    return model


def test_what_is_read_in_float32_is_the_trained_model_up_to_its_formats(
    small_model: LanguageModel, small_folder: Path
) -> None:
    tokens = inputs_for(windows())
    with torch.inference_mode():
        found = read_model(small_folder, FLOAT32)(tokens)
        expected = rounded(small_model)(tokens)
    assert (found - expected).abs().max() < 2e-3 * expected.abs().max()
    assert read_configuration(small_folder) == (small_model.configuration, {"seed": 3})


@pytest.mark.parametrize("numbers", QUANTISED, ids=name_of)
def test_every_norm_projection_and_mlp_is_quantised(
    numbers: NumberFormat, small_folder: Path
) -> None:
    model = read_model(small_folder, numbers)
    assert numbers.linear is not None
    layers = [name for name, part in model.named_modules() if isinstance(part, numbers.linear)]
    expected = {
        f"model.layers.{number}.{name}"
        for number in range(2)
        for name in (
            *(f"self_attn.{letter}_proj" for letter in "qkvo"),
            "mlp.gate_up",
            "mlp.down",
        )
    }
    assert set(layers) == expected
    recipes = {
        name: part.recipe for name, part in model.named_modules() if isinstance(part, RMSNorm)
    }
    assert recipes.pop("model.norm") is None
    assert set(recipes.values()) == {numbers.linear.recipe}
    assert len(recipes) == 4
    products = {part.product for part in model.modules() if isinstance(part, QuantizedLinear)}
    assert [product.same_everywhere for product in products] == [numbers.same_everywhere]
    assert numbers.product is None or {product.name for product in products} == {numbers.product}


@pytest.mark.parametrize("numbers", FORMATS[1:], ids=name_of)
def test_a_format_costs_about_what_float32_does(numbers: NumberFormat, small_folder: Path) -> None:
    tokens = inputs_for(windows())
    with torch.inference_mode():
        exact, found = (read_model(small_folder, one)(tokens) for one in (FLOAT32, numbers))
    difference = (found - exact).norm() / exact.norm()
    # bfloat16 rounds to 2**-9 of a number, FP8 to 2**-4, int8 to 2**-8 of a row's largest.
    assert 1e-3 < difference < (0.05 if numbers.linear is None else 0.3)
    bits = [bits_of(logits, windows()).mean() for logits in (exact, found)]
    assert bits[0] != bits[1]


@pytest.mark.parametrize("numbers", [one for one in FORMATS if one.same_everywhere], ids=name_of)
def test_bits_that_are_the_same_everywhere_do_not_depend_on_the_batch(
    numbers: NumberFormat, small_folder: Path
) -> None:
    model, tokens = read_model(small_folder, numbers), inputs_for(windows())
    with torch.inference_mode():
        together = model(tokens)
        assert torch.equal(model(tokens[1:2, :40]), together[1:2, :40])


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
    for numbers in (FLOAT32, QUANTISED[-1]):
        with pytest.raises(CheckpointRefused, match=f"{name}_scale_inv or .* is missing"):
            read_model(small_folder, numbers)


@pytest.mark.parametrize("name", ["model.embed_tokens.weight", "model.norm.weight", PROJECTIONS[1]])
def test_a_missing_weight_is_refused_and_named(small_folder: Path, name: str) -> None:
    rewrite(small_folder, lambda tensors: tensors.pop(name))
    with pytest.raises(CheckpointRefused, match=f"there is no tensor {name}"):
        read_model(small_folder, FLOAT32)


@pytest.mark.parametrize(
    "name",
    [
        "model.embed_tokens.weight",
        "model.norm.weight",
        "model.layers.0.self_attn.o_proj.weight",
        "model.layers.0.mlp.down_proj.weight",
    ],
)
@pytest.mark.parametrize("numbers", [FLOAT32, QUANTISED[-1]], ids=name_of)
def test_a_weight_of_another_shape_is_refused(
    small_folder: Path, name: str, numbers: NumberFormat
) -> None:
    def double(tensors: dict[str, torch.Tensor]) -> None:
        # Twice the last dimension; torch repeats no FP8.
        for key in (name, f"{name}_scale_inv"):
            if key in tensors:
                codes = tensors[key].view(torch.uint8)
                tensors[key] = torch.cat((codes, codes), -1).view(tensors[key].dtype)

    rewrite(small_folder, double)
    short = name if "norm" in name or "embed" in name else name.removesuffix(".weight")
    with pytest.raises(CheckpointRefused, match=rf"{short} has shape \(.*, and config.json says"):
        read_model(small_folder, numbers)


def test_a_tensor_that_nothing_reads_is_refused(small_folder: Path) -> None:
    rewrite(small_folder, lambda tensors: tensors.update(stray=torch.zeros(1)))
    with pytest.raises(CheckpointRefused, match="nothing reads stray"):
        read_model(small_folder, FLOAT32)


@pytest.mark.parametrize("name", [WEIGHTS, CONFIGURATION])
def test_a_missing_file_is_refused(small_folder: Path, name: str) -> None:
    (small_folder / name).unlink()
    with pytest.raises(CheckpointRefused, match=f"{name}: there is no such file"):
        read_model(small_folder, FLOAT32)


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
        read_model(small_folder, FLOAT32)


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
        read_model(small_folder, FLOAT32)
