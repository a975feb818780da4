"""`config.json` beside the weights, in the words of the Llama architecture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from opparity.errors import CheckpointRefused
from opparity.evaluation.language_model import START, VOCABULARY_SIZE, Configuration
from opparity.operators.weight_blocks import BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CONFIGURATION = "config.json"
TRAIN_ANEW = "train it again with tools/train_evaluation_model.py"
# Field of Configuration -> key of the file.
SIZES = {
    "hidden_size": "hidden_size",
    "intermediate_size": "intermediate_size",
    "num_layers": "num_hidden_layers",
    "num_heads": "num_attention_heads",
    "context": "max_position_embeddings",
}
NUMBERS = {"rms_norm_eps": "rms_norm_eps", "rope_theta": "rope_theta"}


def write_configuration(
    configuration: Configuration, folder: Path, *, training: Mapping[str, Any]
) -> None:
    """Write a model's sizes and the record of its training."""
    text = json.dumps(_document(configuration, training), indent=2)
    (folder / CONFIGURATION).write_text(text + "\n")


def read_configuration(folder: Path) -> tuple[Configuration, Mapping[str, Any]]:
    """Return a model's sizes and the record of its training.

    Raises:
        CheckpointRefused: the file is missing or its sizes make no model.
    """
    path = folder / CONFIGURATION
    if not path.is_file():
        raise CheckpointRefused(path=path, detail="there is no such file", remedy=TRAIN_ANEW)
    try:
        document = json.loads(path.read_text())
    except ValueError as error:
        raise CheckpointRefused(path=path, detail=str(error), remedy=TRAIN_ANEW) from error
    if not isinstance(document, dict):
        detail = f"a JSON {type(document).__name__} was given, and must be an object"
        raise CheckpointRefused(path=path, detail=detail, remedy=TRAIN_ANEW)
    objections = list(_objections(document))
    if objections:
        raise CheckpointRefused(path=path, detail="; ".join(objections), remedy=TRAIN_ANEW)
    fields = {field: document[key] for field, key in (SIZES | NUMBERS).items()}
    return Configuration(**fields), document.get("opparity_training", {})


def _objections(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the sizes, the first kind of mistake alone."""
    wrong = False
    for key in (*SIZES.values(), *NUMBERS.values()):
        kinds = int if key in SIZES.values() else int | float
        if key not in document:
            wrong = True
            yield f"the key {key!r} is missing"
        elif not isinstance(document[key], kinds) or not document[key] > 0:
            wrong = True
            yield f"{key} is {document[key]!r}, and must be a number above 0"
    if wrong:
        return
    for key in ("hidden_size", "intermediate_size"):
        if document[key] % BLOCK:
            yield f"{key} is {document[key]}, and must be a multiple of {BLOCK}"
    heads = document["num_attention_heads"]
    if document["hidden_size"] % (2 * heads):
        yield f"num_attention_heads is {heads}, and must split hidden_size into even widths"


def _document(configuration: Configuration, training: Mapping[str, Any]) -> dict[str, Any]:
    """Return config.json in the words of the Llama architecture."""
    unquantised = [
        f"model.layers.{number}.self_attn.{letter}_proj"
        for number in range(configuration.num_layers)
        for letter in "qkvo"
    ]
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": VOCABULARY_SIZE,
        "hidden_size": configuration.hidden_size,
        "intermediate_size": configuration.intermediate_size,
        "num_hidden_layers": configuration.num_layers,
        "num_attention_heads": configuration.num_heads,
        "num_key_value_heads": configuration.num_heads,
        "head_dim": configuration.head_size,
        "max_position_embeddings": configuration.context,
        "rms_norm_eps": configuration.rms_norm_eps,
        "rope_theta": configuration.rope_theta,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "bos_token_id": START,
        "eos_token_id": START,
        "torch_dtype": "bfloat16",
        "quantization_config": {
            "quant_method": "fp8",
            "fmt": "e4m3",
            "activation_scheme": "dynamic",
            "weight_block_size": [BLOCK, BLOCK],
            "modules_to_not_convert": ["lm_head", *unquantised],
        },
        "opparity_training": dict(training),
    }
