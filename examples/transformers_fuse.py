"""Put Opparity's modules into a Llama of transformers, see what was replaced, and undo it.

The configuration is Llama 3.2's of 1 billion parameters with every size divided by eight and two of
its sixteen layers; the weights are random. Where transformers is not installed, this runs with a
small Llama whose modules have the same names, which Opparity's tests use, and says so.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import torch

from opparity.integrations.transformers import fuse

INSTALLED = find_spec("transformers") is not None
if not INSTALLED:
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests/integrations/stand_ins"))

from transformers import LlamaConfig, LlamaForCausalLM, __version__

torch.manual_seed(0)
configuration = LlamaConfig(
    hidden_size=2048 // 8,
    intermediate_size=8192 // 8,
    num_hidden_layers=2,
    num_attention_heads=32 // 8,
    num_key_value_heads=8 // 8,
    head_dim=64,
    vocab_size=128256 // 8,
    max_position_embeddings=1024,
    rms_norm_eps=1e-5,
)
model = LlamaForCausalLM(configuration).bfloat16().eval()
tokens = torch.randint(0, configuration.vocab_size, (2, 64))


@torch.no_grad()
def logits() -> torch.Tensor:
    """Return what the model says to the tokens now."""
    found: torch.Tensor = model(tokens).logits.float()
    return found


before = logits()
fusion = fuse(model, "int8_token")
after = logits()
version = __version__ if INSTALLED else f"{__version__}, its stand-in: it is not installed"
print(f"transformers {version}")
print(fusion)
print(f"logits move by {(after - before).norm() / before.norm():.2f}")

fusion.undo()
print(f"the model as it was after undo(): {torch.equal(logits(), before)}")
