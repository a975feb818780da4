"""Fuse small models of transformers' real classes: `make integrations` runs it and keeps its table.

Each model has two layers or so and random weights. The table says how far its logits move when
norms alone are fused, and with the MLPs in int8, and what was left and why. What the fused model
saves has to be what transformers reads, weight by weight.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from typing import Any

import torch

from opparity.integrations.transformers import fuse, register_experts
from opparity.nn import BlockFP8Linear

os.environ["HF_HUB_OFFLINE"] = "1"

from transformers import AutoModelForCausalLM, FineGrainedFP8Config, __version__
from transformers.integrations.finegrained_fp8 import replace_with_fp8_linear
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

SIZES = {
    "hidden_size": 256,
    "intermediate_size": 384,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "vocab_size": 512,
    "max_position_embeddings": 256,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": 2,
}
EXPERTS: dict[str, object] = {"num_experts_per_tok": 2, "moe_intermediate_size": 128}
GROUPED: dict[str, object] = {**EXPERTS, "n_routed_experts": 4, "n_group": 1, "topk_group": 1}
LATENT: dict[str, object] = {
    "q_lora_rank": 64,
    "kv_lora_rank": 64,
    "qk_rope_head_dim": 16,
    "qk_nope_head_dim": 16,
    "v_head_dim": 32,
    "head_dim": 16,
    "first_k_dense_replace": 1,
}
MODELS: dict[str, dict[str, object]] = {
    "llama": {},
    "qwen2": {},
    "qwen3": {},
    "mistral": {},
    "glm4": {},
    "phi3": {},
    "granite": {},
    "gemma2": {},
    "gemma3_text": {},
    "olmo2": {},
    "deepseek_v3": {**GROUPED, **LATENT},
    "glm4_moe": GROUPED,
    "qwen3_moe": {**EXPERTS, "num_experts": 4},
    "qwen3_next": {**EXPERTS, "num_experts": 4, "num_hidden_layers": 4},
    "gpt_oss": {**EXPERTS, "num_local_experts": 4},
}

_EXPERTS_DIMENSIONS = 3


def main() -> None:
    """Print the table, and two models in FP8."""
    print(f"transformers {__version__}, torch {torch.__version__}\n")
    print("| model | replaced | logits move by norms alone | and MLPs in int8 | left |")
    print("| --- | ---: | ---: | ---: | --- |")
    for kind, sizes in MODELS.items():
        print(line(kind, sizes), flush=True)
    for kind in ("llama", "qwen3_moe"):
        print(f"\n{in_fp8(kind)}")


def line(kind: str, sizes: dict[str, object]) -> str:
    """Return a model's line of the table."""
    torch.manual_seed(0)
    configuration = CONFIG_MAPPING[kind](**{**SIZES, **sizes})
    model = AutoModelForCausalLM.from_config(configuration, dtype=torch.bfloat16).eval()
    tokens = torch.randint(0, 512, (2, 17))
    before = logits(model, tokens)
    fusion = fuse(model)
    norms = distance(logits(model, tokens), before)
    fusion.undo()
    fusion = fuse(model, "int8_token")
    both = distance(logits(model, tokens), before)
    replaced = len(fusion.replaced)
    left = Counter(f"{path.rpartition('.')[2]}: {why}" for path, why in fusion.left.items())
    saved = saved_and_read(model)
    fusion.undo()
    if not torch.equal(logits(model, tokens), before):
        raise SystemExit(f"{kind}: undo did not bring the model back")
    weights = model.state_dict()
    if saved.keys() != weights.keys() or any(
        not torch.equal(saved[name], weight) for name, weight in weights.items()
    ):
        raise SystemExit(f"{kind}: what the fused model saved are other weights")
    reasons = "; ".join(f"{count} x {why}" for why, count in left.items())
    return f"| {kind} | {replaced} | {norms:.5f} | {both:.4f} | {reasons} |"


def logits(model: torch.nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    """Return a model's logits, float32."""
    with torch.no_grad():
        found: torch.Tensor = model(tokens).logits.float()
    return found


def saved_and_read(model: Any) -> dict[str, torch.Tensor]:  # noqa: ANN401 -- transformers' own
    """Return the weights that transformers reads of what a fused model saves."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        read, said = type(model).from_pretrained(
            folder, dtype=torch.bfloat16, output_loading_info=True
        )
    if any(said.values()):
        raise SystemExit(f"of what a fused model saved, transformers says {said}")
    found: dict[str, torch.Tensor] = read.state_dict()
    return found


def distance(found: torch.Tensor, before: torch.Tensor) -> float:
    """Return the norm of a difference over that of what was before."""
    return float((found - before).norm() / before.norm())


def in_fp8(kind: str) -> str:
    """Return how a model in FineGrainedFP8 differs from itself in bfloat16, with our operators."""
    torch.manual_seed(0)
    configuration = CONFIG_MAPPING[kind](**{**SIZES, **MODELS[kind]})
    model = AutoModelForCausalLM.from_config(configuration, dtype=torch.bfloat16).eval()
    tokens = torch.randint(0, 512, (2, 17))
    before = logits(model, tokens)
    weights = {name: parameter.detach() for name, parameter in model.named_parameters()}
    replace_with_fp8_linear(model, ["lm_head", "gate"], FineGrainedFP8Config(), pre_quantized=True)
    for name, parameter in list(model.named_parameters()):
        if parameter.is_meta and not name.endswith("scale_inv"):
            fill(model, name, weights[name])
    register_experts()
    if kind.endswith("moe"):
        model.set_experts_implementation("opparity")
    fusion = fuse(model)
    moved = distance(logits(model, tokens), before)
    left = "; ".join(f"{path} left: {why}" for path, why in fusion.left.items())
    return (
        f"{kind} in FineGrainedFP8: {len(fusion.replaced)} modules replaced, logits move by "
        f"{moved:.4f} against bfloat16; {left}"
    )


def fill(model: torch.nn.Module, name: str, weight: torch.Tensor) -> None:
    """Give an FP8 parameter and its scales the numbers of a weight, a matrix or several."""
    linears = [BlockFP8Linear.from_weight(w) for w in weight.reshape(-1, *weight.shape[-2:])]
    codes = torch.stack([linear.weight.view(torch.uint8) for linear in linears])
    scales = torch.stack([linear.weight_scales for linear in linears])
    scales = scales if weight.dim() == _EXPERTS_DIMENSIONS else scales[0]
    owner, _, last = name.rpartition(".")
    for target, found in (
        (last, codes.view(torch.float8_e4m3fn).reshape(weight.shape)),
        (f"{last}_scale_inv", scales),
    ):
        parameter = torch.nn.Parameter(found, requires_grad=False)
        setattr(model.get_submodule(owner), target, parameter)


if __name__ == "__main__":
    main()
