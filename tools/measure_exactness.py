"""Say how far products of FP8 matrices are from exact: python tools/measure_exactness.py.

Each product of the table multiplies the same codes and scales as `exact`, whose sums are exact.
Printed are the largest difference and the root mean square of all, each as a share of the same of
the exact result, and how many results have other bytes, in bfloat16; beside them the same of what
the quantisation itself changes, which is `exact` beside the product of the unquantised matrices in
float64.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from opparity.nn import BlockFP8Linear, MXFP8Linear
from opparity.nn.products import PRODUCTS

if TYPE_CHECKING:
    from torch import Tensor

_KINDS = {kind.recipe: kind for kind in (BlockFP8Linear, MXFP8Linear)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--in-features", type=int, nargs="*", default=[2048, 7168, 18432])
    parser.add_argument("--out-features", type=int, default=2048)
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {options.device}, {options.tokens} tokens\n")
    print("| recipe | width | product | largest | root mean square | other bytes |")
    print("| --- | ---: | --- | ---: | ---: | ---: |")
    for recipe, kind in _KINDS.items():
        for width in options.in_features:
            draw = torch.Generator().manual_seed(width)
            input = torch.randn(options.tokens, width, generator=draw)
            weight = torch.randn(options.out_features, width, generator=draw) / width**0.5
            input = input.to(options.device, torch.bfloat16)
            layer = kind.from_weight(weight.to(options.device, torch.bfloat16))
            exact = _by(layer, input, "exact")
            for product in PRODUCTS:
                if product.recipe != recipe or product.name == "exact":
                    continue
                objection = product.objection(layer.weight.device, width, options.out_features)
                found = None if objection else _by(layer, input, product.name)
                print(_line(recipe, width, product.name, found, exact, objection))
            ideal = functional.linear(input.double(), weight.to(options.device).bfloat16().double())
            print(_line(recipe, width, "none, unquantised", ideal.bfloat16(), exact, None))


def _by(layer: BlockFP8Linear | MXFP8Linear, input: Tensor, name: str) -> Tensor:
    layer.asked_product = name
    with torch.inference_mode():
        return layer(input)  # type: ignore[no-any-return]


def _line(
    recipe: str, width: int, name: str, found: Tensor | None, exact: Tensor, objection: str | None
) -> str:
    if found is None:
        return f"| {recipe} | {width} | {name} | {objection} | | |"
    difference, size = (found.double() - exact.double()).abs(), exact.double().abs()
    largest = (difference.max() / size.max()).item()
    mean = (difference.square().mean().sqrt() / size.square().mean().sqrt()).item()
    others = (found != exact).double().mean().item()
    return f"| {recipe} | {width} | {name} | {largest:.1e} | {mean:.1e} | {others:.2%} |"


if __name__ == "__main__":
    main()
