"""Generate tokens with vLLM and Opparity's plugin, by a tiny Llama with random weights.

It needs vLLM and Opparity in one environment (docs/vllm.md), and runs on a CPU in a minute.
vLLM loads the plugin by itself: nothing here mentions it but the line that asks for its counts.

Usage: python examples/vllm_generate.py [block|static|bfloat16] [--compile]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

# One process, so that the counts of the plugin are this one's.
os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

LAYERS, HIDDEN, INNER, HEADS, WORDS = 2, 256, 512, 4, 512
LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": HIDDEN,
    "intermediate_size": INNER,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": HEADS,
    "head_dim": HIDDEN // HEADS,
    "vocab_size": WORDS,
    "max_position_embeddings": 256,
    "rms_norm_eps": 1e-6,
    "hidden_act": "silu",
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "bos_token_id": 1,
    "eos_token_id": 2,
}
QUANTISATIONS: dict[str, dict[str, Any]] = {
    "bfloat16": {},
    "static": {"quant_method": "fp8", "activation_scheme": "static"},
    "block": {
        "quant_method": "fp8",
        "activation_scheme": "dynamic",
        "weight_block_size": [128, 128],
    },
}
BLOCK, FP8_MAXIMUM = 128, 448.0
PROMPT = [3, 14, 15, 92, 65, 35, 89, 79]


def write_checkpoint(folder: Path, quantisation: str) -> None:
    """Write a Llama with random weights, the same ones for each quantisation."""
    config = dict(LLAMA)
    if QUANTISATIONS[quantisation]:
        config["quantization_config"] = QUANTISATIONS[quantisation]
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    shapes = {
        "self_attn.q_proj": (HIDDEN, HIDDEN),
        "self_attn.k_proj": (HIDDEN, HIDDEN),
        "self_attn.v_proj": (HIDDEN, HIDDEN),
        "self_attn.o_proj": (HIDDEN, HIDDEN),
        "mlp.gate_proj": (INNER, HIDDEN),
        "mlp.up_proj": (INNER, HIDDEN),
        "mlp.down_proj": (HIDDEN, INNER),
    }
    random = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        width: float = shape[-1] ** 0.5
        return torch.randn(*shape, generator=random) / width

    tensors = {"model.embed_tokens.weight": drawn(WORDS, HIDDEN).bfloat16()}
    tensors["lm_head.weight"] = drawn(WORDS, HIDDEN).bfloat16()
    tensors["model.norm.weight"] = torch.ones(HIDDEN).bfloat16()
    for layer in range(LAYERS):
        name = f"model.layers.{layer}"
        for norm in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"{name}.{norm}.weight"] = torch.ones(HIDDEN).bfloat16()
        for linear, shape in shapes.items():
            tensors |= quantised(f"{name}.{linear}", 2 * drawn(*shape), quantisation)
    save_file(tensors, folder / "model.safetensors")


def quantised(name: str, weight: torch.Tensor, quantisation: str) -> dict[str, torch.Tensor]:
    """Return what a checkpoint holds of a linear layer."""
    if quantisation == "bfloat16":
        return {f"{name}.weight": weight.bfloat16()}
    if quantisation == "static":
        scale = weight.abs().amax() / FP8_MAXIMUM
        return {
            f"{name}.weight": (weight / scale).to(torch.float8_e4m3fn),
            f"{name}.weight_scale": scale,
            f"{name}.input_scale": torch.tensor(0.02),
        }
    blocks = weight.unflatten(0, (-1, BLOCK)).unflatten(2, (-1, BLOCK))
    scales = blocks.abs().amax((1, 3)) / FP8_MAXIMUM
    codes = (blocks / scales[:, None, :, None]).reshape(weight.shape)
    return {f"{name}.weight": codes.to(torch.float8_e4m3fn), f"{name}.weight_scale_inv": scales}


def generate(quantisation: str, *, compiled: bool) -> list[int]:
    """Return the tokens that the model says to PROMPT."""
    from vllm import LLM, SamplingParams

    with tempfile.TemporaryDirectory() as folder:
        write_checkpoint(Path(folder), quantisation)
        engine = LLM(
            folder, skip_tokenizer_init=True, enforce_eager=not compiled, max_model_len=64, seed=0
        )
        parameters = SamplingParams(temperature=0, max_tokens=8, ignore_eos=True, detokenize=False)
        (answer,) = engine.generate([{"prompt_token_ids": PROMPT}], parameters, use_tqdm=False)
    return list(answer.outputs[0].token_ids)


def main() -> None:
    """Generate, and say how often each operator of Opparity's was called."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("quantisation", nargs="?", choices=QUANTISATIONS, default="block")
    parser.add_argument("--compile", action="store_true")
    given = parser.parse_args()
    if find_spec("vllm") is None:
        sys.exit("vLLM is not installed, and nothing stands in for it here; see docs/vllm.md")
    tokens = generate(given.quantisation, compiled=given.compile)

    from opparity.integrations.vllm import calls

    print(f"tokens: {tokens}")
    print(f"calls of Opparity's operators: {calls()}")


if __name__ == "__main__":
    main()
