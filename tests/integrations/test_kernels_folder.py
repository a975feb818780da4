"""A folder of kernels is loaded without Opparity, and computes the same bytes."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

import every_product
import opparity
from opparity.errors import ArgumentRefused
from opparity.integrations.kernels import folder, no_library
from opparity.integrations.kernels.layers import CLASSES, LAYERS, Layer
from opparity.operators import PRODUCERS, native_library, producer_named
from opparity.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kernels")
    folder.write(path)
    return path


def test_a_folder_alone_computes_the_bytes_of_the_package(written: Path) -> None:
    variant = written / "build/torch-cpu"
    ended = subprocess.run(
        [sys.executable, ROOT / "tests/every_product.py", variant],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    expected = every_product.digests(opparity)
    assert len(expected) == len(PRODUCERS) * len(opparity.RECIPES) - 1
    assert found["digests"] == expected
    # Its operators are its own, so that it can be loaded beside the package and other versions.
    identity = json.loads((variant / "metadata.json").read_text("utf-8"))["id"]
    assert found["namespaces"] == [identity.removeprefix("_")]
    assert found["modules"] == len(folder.sources())
    page = (ROOT / "docs/kernels.md").read_text("utf-8")
    assert f" {len(folder.sources())} modules each" in page


def test_it_is_loaded_beside_the_package(written: Path) -> None:
    package = every_product.load(written / "build/torch-cpu")
    input = torch.randn(3, 512, dtype=torch.bfloat16)
    theirs, ours = (each.silu_and_mul(input, "mxfp8") for each in (package, opparity))
    assert type(theirs) is not type(ours)
    assert every_product.digest([*theirs]) == every_product.digest([*ours])
    assert not [name for name in sys.modules if name.startswith(package.__name__ + ".opparity")]


def test_there_is_a_variant_for_each_platform(written: Path) -> None:
    names = {path.name for path in (written / "build").iterdir()}
    assert names == {f"torch-{platform}" for platform in Platform}
    for platform in Platform:
        path = written / "build" / f"torch-{platform}/metadata.json"
        metadata = json.loads(path.read_text("utf-8"))
        assert metadata["backend"] == {"type": str(platform)}
        assert metadata["python-depends"] == []


def test_other_sources_get_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    before = folder._digest()
    text = folder._text
    monkeypatch.setattr(folder, "_text", lambda name: text(name) + "\n")
    assert folder._digest() != before


def test_what_is_there_is_not_mixed_with_what_is_written(written: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "opparity.integrations.kernels", written],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert f"{written / 'build'} exists; remove it or choose another folder" in ended.stderr


def test_the_stand_in_for_the_library_has_its_functions() -> None:
    def functions(module: object) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(function).parameters)
            for name, function in inspect.getmembers(module, inspect.isroutine)
            if not name.startswith("_") and name != "cache"
        }

    stood_in_for = functions(no_library)
    assert stood_in_for.items() <= functions(native_library).items()
    package = Path(folder.__file__).parents[2]
    texts = [(package / name).read_text("utf-8") for name in folder.sources()]
    used = {name for text in texts for name in re.findall(r"\bnative_library\.(\w+)\(", text)}
    assert "load" in used
    assert used <= stood_in_for.keys()


class Module(nn.Module):
    """What a layer is put into: an epsilon by one of its names, and numbers by theirs."""

    def __init__(self, **attributes: object) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(64, dtype=torch.bfloat16))
        for name, value in attributes.items():
            setattr(self, name, value)


# Numbers that are no producer's defaults.
ATTRIBUTES = {"alpha": 1.25, "beta": 0.75, "limit": 0.5, "linear_beta": 3.0}


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_a_layer_computes_its_producer_with_the_numbers_of_its_module(layer: Layer) -> None:
    module = Module(**ATTRIBUTES, eps=0.125, activation="silu")
    producer = producer_named(layer.producer)
    width = 128 if producer.gated else 64
    inputs = [torch.randn(3, width, dtype=torch.bfloat16) for _ in range(1 + producer.takes_gate)]
    tensors = [*inputs, module.weight] if producer.reduces else inputs
    given = {"epsilon": 0.125} | ATTRIBUTES | dict(layer.numbers)
    numbers = {parameter.name: given[parameter.name] for parameter in producer.parameters}
    forward: Callable[..., Any] = CLASSES[layer.name].forward
    found = forward(module, *inputs)
    expected = getattr(opparity, producer.name)(*tensors, **numbers)
    assert torch.equal(found.view(torch.int16), expected.view(torch.int16))
    assert found.abs().sum() > 0


@pytest.mark.parametrize("name", ["RMSNorm", "RMSNormGated", "SiluAndMulWithClamp"])
def test_a_number_that_the_module_has_not_is_refused(name: str) -> None:
    inputs = [torch.randn(3, 64, dtype=torch.bfloat16)] * (2 if name == "RMSNormGated" else 1)
    missing = "limit" if name == "SiluAndMulWithClamp" else "epsilon"
    with pytest.raises(ArgumentRefused, match=f"{name}: the module has no {missing}; allowed"):
        CLASSES[name].forward(Module(), *inputs)


def test_a_gate_with_another_activation_is_refused() -> None:
    inputs = [torch.randn(3, 64, dtype=torch.bfloat16)] * 2
    module = Module(eps=1e-6, activation="sigmoid")
    with pytest.raises(ArgumentRefused, match="activation is 'sigmoid'; allowed: silu or swish"):
        CLASSES["RMSNormGated"].forward(module, *inputs)
