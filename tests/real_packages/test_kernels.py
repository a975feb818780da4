"""A folder of kernels in Hugging Face's `kernels`, and its layers in transformers' modules."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING

import every_product
import opparity
from opparity.integrations.kernels import folder
from real_packages.packages import REPOSITORY, run

if TYPE_CHECKING:
    from pathlib import Path

# Two of bfloat16's steps: transformers rounds before it multiplies by a weight, Opparity does not,
# and a gradient follows from the rounded result.
APART = 2.0**-7


def test_the_folder_is_loaded_and_its_layers_serve(tmp_path: Path) -> None:
    assert version("kernels") == folder.KERNELS
    folder.write(tmp_path)
    script = REPOSITORY / "tests/real_packages/kernelized.py"
    ended = run([str(REPOSITORY / "tests")], str(script), str(tmp_path), HF_HUB_OFFLINE="1")
    assert ended.status == 0, ended.said
    assert "legacy" not in ended.said
    found = json.loads(ended.after("found "))
    assert sorted(found["backends"]) == ["cpu", "cuda", "rocm"]
    assert found["digests"] == every_product.digests(opparity)
    assert len(found["layers"]) == 12
    for name, layer in found["layers"].items():
        assert layer["by"] == f"{found['module']}.integrations.kernels.layers", name
        assert layer["apart"] < APART, name
