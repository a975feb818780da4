"""Time the products of quantised matrices: python tools/measure_products.py [--tokens 1 4096].

Prints microseconds of each product of the table that serves where this runs, of activations that
are quantised already, and of torch's product of bfloat16 matrices: in turns, and medians, on a GPU
in a graph. Weights are rotated, so that none is found in a GPU's cache, as in a model of many
layers.
"""

from __future__ import annotations

import argparse
import functools
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

import opparity
from opparity.benchmark import timing
from opparity.nn import BlockFP8Linear, Int8Linear, MXFP8Linear, ask_for_product
from opparity.nn.products import PRODUCTS

if TYPE_CHECKING:
    from opparity.benchmark.workload import Call

    Layer = BlockFP8Linear | Int8Linear | MXFP8Linear

_KINDS = {kind.recipe: kind for kind in (BlockFP8Linear, MXFP8Linear, Int8Linear)}
_BYTES_OF_A_ROTATION = 200_000_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--tokens", type=int, nargs="*", default=[1, 4, 16, 64, 256, 1024, 4096, 8192]
    )
    parser.add_argument("--in-features", type=int, default=7168)
    parser.add_argument("--out-features", type=int, default=4096)
    parser.add_argument("--recipe", choices=_KINDS, default="fp8_block")
    options = parser.parse_args()
    layers = _layers(options)
    names = _serving(options.recipe, layers[0])
    print("| in x out features | tokens |", *(f"{name} |" for name in (*names, "bfloat16")))
    print("| --- |", " ---: |" * (len(names) + 2))
    for tokens in options.tokens:
        times = _times(layers, names, tokens)
        size = f"{options.in_features} x {options.out_features}"
        print(f"| {size} | {tokens} |", *(f"{time:.1f} |" for time in times), flush=True)


def _layers(options: argparse.Namespace) -> list[Layer]:
    bytes_of_one = options.in_features * options.out_features
    count = 1 if options.device == "cpu" else max(2, _BYTES_OF_A_ROTATION // bytes_of_one)
    weight = torch.randn(options.out_features, options.in_features).bfloat16().to(options.device)
    return [_KINDS[options.recipe].from_weight(weight) for _ in range(count)]


def _serving(recipe: str, layer: Layer) -> list[str]:
    """Return the products that serve; why others do not is printed."""
    names = []
    for product in PRODUCTS:
        if product.recipe != recipe or product.name == "exact":
            continue
        columns, width = layer.weight.shape
        objection = product.objection(layer.weight.device, width, columns)
        if objection is None:
            names.append(product.name)
        else:
            print(f"{product.name}: {objection}")
    return names


def _times(layers: list[Layer], names: list[str], tokens: int) -> list[float]:
    device = layers[0].weight.device
    input = torch.randn(tokens, layers[0].weight.shape[1], device=device).bfloat16()
    plain = [torch.randn(layer.weight.shape, device=device).bfloat16() for layer in layers[::2]]
    ways: dict[str, Call] = {
        "bfloat16": lambda number: functional.linear(input, plain[number % len(plain)])
    }
    for name in names:
        for layer in layers:
            ask_for_product(layer, name)
        # The scales in the order that costs this product no copy.
        given = opparity.quantize(input, layers[0].product.activations)
        ways[name] = functools.partial(_call, layers, name, given)
    with torch.inference_mode():
        times = timing.microseconds_of(ways, device.type, layers[0].weight.numel())
    return [times[name] for name in (*names, "bfloat16")]


def _call(layers: list[Layer], name: str, given: opparity.Quantized, number: int) -> object:
    layer = layers[number % len(layers)]
    layer.asked_product = name
    return layer(given)


if __name__ == "__main__":
    main()
