"""Digests of every producer's products, by a package or a folder of kernels.

As a script it loads a folder's variant as Hugging Face's `kernels` does, in a process that can
import nothing of Opparity's dependencies but torch, and prints what it found as JSON.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import torch

ABSENT = ("opparity", "numpy", "packaging", "rich", "safetensors")
TOKENS, WIDTH = 5, 256


def digests(package: Any) -> dict[str, str]:  # noqa: ANN401 -- a module
    """Return the digest of each producer's product by each recipe."""
    torch.manual_seed(20)
    found = {}
    for producer in producers(package):
        name = "quantize" if producer.name == "identity" else producer.name
        width = 2 * WIDTH if producer.gated else WIDTH
        input = torch.randn(TOKENS, width, dtype=torch.bfloat16)
        beside = [torch.randn(TOKENS, width, dtype=torch.bfloat16)] if producer.takes_gate else []
        beside += [torch.randn(width, dtype=torch.bfloat16)] if producer.reduces else []
        numbers = {p.name: 2.0 for p in producer.parameters if p.default is None}
        for text, recipe in package.RECIPES.items():
            if text == "none" and name == "quantize":
                continue
            given = {"scale": 0.5} if recipe.rule in ("given", "global") else {}
            result = getattr(package, name)(input, *beside, text, **numbers, **given)
            tensors = [result] if isinstance(result, torch.Tensor) else [*result]
            found[f"{name} {text}"] = digest(tensors)
    return found


def producers(package: Any) -> Any:  # noqa: ANN401 -- as above
    """Return a package's table of producers."""
    return importlib.import_module(f"{package.__name__}.operators").PRODUCERS


def digest(tensors: list[torch.Tensor]) -> str:
    """Return a digest of tensors' bytes, in logical order."""
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(bytes(tensor.detach().contiguous().flatten().view(torch.uint8).tolist()))
    return found.hexdigest()


def load(variant: Path) -> Any:  # noqa: ANN401 -- a module
    """Load a variant by its path, under the name that its metadata has."""
    identity = json.loads((variant / "metadata.json").read_text("utf-8"))["id"]
    spec = importlib.util.spec_from_file_location(identity, variant / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[identity] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Load the variant that is given, everything in it, and print what it computes."""
    for name in ABSENT:
        sys.modules[name] = None  # type: ignore[assignment] # which makes importing it an error
    variant = Path(sys.argv[1])
    package = load(variant)
    files = sorted(variant.rglob("*.py"))
    for file in files:
        parts = file.relative_to(variant).with_suffix("").parts
        importlib.import_module(".".join((package.__name__, *parts)).removesuffix(".__init__"))
    namespaces = [name for name in vars(torch.ops) if "opparity" in name]
    found = {"digests": digests(package), "namespaces": namespaces, "modules": len(files)}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
