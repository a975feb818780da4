"""Time a full-size layer of transformers' own classes, fused and as it is, on a GPU.

python tools/measure_transformers.py [--device cpu --tokens 1 --share 16] prints tokens per second
of one decoder layer with random weights, a norm behind it: as transformers has it, with its norms
fused, and with its MLP quantised as well, and how many modules were replaced.
"""

from __future__ import annotations

import argparse
import os
from importlib.metadata import version
from statistics import median
from typing import TYPE_CHECKING

import torch

from measure_mlp import seconds_of
from opparity.integrations.transformers import fuse

os.environ["HF_HUB_OFFLINE"] = "1"

from transformers import AutoModel
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

if TYPE_CHECKING:
    from torch import Tensor, nn

# Of Qwen3-8B, Llama-3.1-8B and Qwen3-32B, with one layer; the vocabulary is not read.
SIZES: dict[str, tuple[str, dict[str, int]]] = {
    "Qwen3-8B": ("qwen3", {"hidden_size": 4096, "intermediate_size": 12288, "heads": 32}),
    "Llama-3.1-8B": ("llama", {"hidden_size": 4096, "intermediate_size": 14336, "heads": 32}),
    "Qwen3-32B": ("qwen3", {"hidden_size": 5120, "intermediate_size": 25600, "heads": 64}),
}
RECIPES: dict[str, tuple[str | None, ...]] = {
    "as it is": (),
    "norms fused": (None,),
    "MLP in fp8_block": ("fp8_block",),
    "MLP in int8_token": ("int8_token",),
}
_ROUNDS = 7


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--tokens", type=int, nargs="*", default=[1, 64, 1024, 8192])
    parser.add_argument("--share", type=int, default=1, help="sizes are divided by this")
    options = parser.parse_args()
    print(f"transformers {version('transformers')}, torch {torch.__version__}, {options.device}\n")
    print("| layer of | tokens |" + "".join(f" {way} |" for way in RECIPES) + " replaced |")
    print("| --- | ---: |" + " ---: |" * len(RECIPES) + " --- |")
    for name, (kind, sizes) in SIZES.items():
        model = _model(kind, {key: size // options.share for key, size in sizes.items()})
        model.to(options.device)
        for tokens in options.tokens:
            print(_line(name, model, tokens), flush=True)


def _model(kind: str, sizes: dict[str, int]) -> nn.Module:
    torch.manual_seed(0)
    heads = sizes.pop("heads")
    config = CONFIG_MAPPING[kind](
        **sizes,
        num_hidden_layers=1,
        num_attention_heads=heads,
        num_key_value_heads=max(1, heads // 4),
        head_dim=128,
        vocab_size=128,
    )
    return AutoModel.from_config(config, dtype=torch.bfloat16).eval()  # type: ignore[no-any-return]


@torch.inference_mode()
def _line(name: str, model: nn.Module, tokens: int) -> str:
    hidden = next(iter(model.parameters())).shape[-1]
    device = next(iter(model.parameters())).device
    input = torch.randn(1, tokens, hidden, device=device, dtype=torch.bfloat16)

    def run(states: Tensor) -> Tensor:
        return model(inputs_embeds=states, use_cache=False).last_hidden_state  # type: ignore[no-any-return]

    speeds, replaced = [], []
    for recipes in RECIPES.values():
        fusions = [fuse(model, recipe) for recipe in recipes]
        replaced += [str(len(fusion.replaced)) for fusion in fusions]
        run(input)
        speeds.append(tokens / median(seconds_of(run, input) for _ in range(_ROUNDS)))
        for fusion in fusions:
            fusion.undo()
    listed = "".join(f" {speed:,.0f} |" for speed in speeds)
    return f"| {name} | {tokens} |{listed} {', '.join(replaced)} |"


if __name__ == "__main__":
    main()
