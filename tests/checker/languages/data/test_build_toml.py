from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from opparity.checker.facts.platforms import Platform, parse_platform
from opparity.checker.languages.data.build_toml import read_build_tomls
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from pathlib import Path

    from opparity.checker.facts.builds import Build

TWO_BACKENDS = """
[general]
name = "scaled-relu"

[torch]
src = ["torch-ext/torch_binding.cpp", "torch-ext/torch_binding.h"]

[kernel.relu]
backend = "cuda"
src = ["kernels/relu.cu", "kernels/vector.cuh"]
cxx-flags = ["-O3", "-DFAST=1"]

[kernel.relu_hip]
language = "cuda-hipify"
src = ["kernels/relu.cu"]

[kernel.relu_metal]
backend = "metal"
src = ["kernels/relu.mm"]
"""


def read(root: Path, text: str, *platforms: str) -> dict[str, Build]:
    (root / "build.toml").write_text(text)
    builds = read_build_tomls(open_tree(root), [Platform(name) for name in platforms])
    return {build.platform: build for build in builds}


def test_each_backend_gets_its_own_kernels_and_the_bindings(tmp_path: Path) -> None:
    builds = read(tmp_path, TWO_BACKENDS, "cuda", "rocm", "mps", "cpu")
    listed = {
        platform: {source.path for target in build.targets for source in target.sources}
        for platform, build in builds.items()
    }
    binding = "torch-ext/torch_binding.cpp"
    assert listed == {
        "cuda": {binding, "kernels/relu.cu"},
        "rocm": {binding, "kernels/relu.cu"},
        "mps": {binding, "kernels/relu.mm"},
        "cpu": set(),
    }
    assert {target.name for target in builds["cuda"].targets} == {"scaled_relu"}


def test_sources_and_macros_say_where_they_are_written(tmp_path: Path) -> None:
    (target,) = read(tmp_path, TWO_BACKENDS, "cuda")["cuda"].targets
    lines = TWO_BACKENDS.splitlines()
    for source in target.sources:
        assert source.path in lines[source.location.line - 1]
    assert {macro.name: macro.value for macro in target.macros} == {"CUDA_KERNEL": "", "FAST": "1"}


@pytest.mark.parametrize(
    "text", ["[kernel", 'kernel = "none"', "[kernel]\nrelu = 3", "[kernel.relu]\nsrc = 5", ""]
)
def test_a_file_of_another_shape_builds_nothing(tmp_path: Path, text: str) -> None:
    for build in read(tmp_path, text, "cuda").values():
        assert not build.targets
        assert build.problems or "kernel.relu" in text


@pytest.mark.parametrize(
    ("key", "platform", "is_built"),
    [
        ("", "cuda:8.6", True),
        ('cuda-capabilities = ["8.0"]', "cuda", True),
        ('cuda-capabilities = ["8.0"]', "cuda:8.0", True),
        ('cuda-capabilities = ["8.0"]', "cuda:8.6", True),
        ('cuda-capabilities = ["8.6"]', "cuda:8.0", False),
        ('cuda-capabilities = ["8.0"]', "cuda:9.0", False),
        ('cuda-capabilities = ["8.0"]', "cuda:9.0,8.6", True),
        ('cuda-capabilities = ["10.0"]', "cuda:9.0", False),
        ('cuda-capabilities = ["9.0a"]', "cuda:9.0", True),
        ('cuda-capabilities = ["8.0", "some"]', "cuda:9.0", True),
    ],
)
def test_a_kernel_is_built_for_the_architectures_that_it_names(
    tmp_path: Path, key: str, platform: str, is_built: bool
) -> None:
    text = f'[kernel.relu]\nbackend = "cuda"\nsrc = ["relu.cu"]\n{key}\n'
    (tmp_path / "build.toml").write_text(text)
    (build,) = read_build_tomls(open_tree(tmp_path), [parse_platform(platform)])
    assert [len(target.sources) for target in build.targets] == [1] * is_built
