from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.platforms import Platform
from opparity.checker.languages.data.json_lists import read_json_lists
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from pathlib import Path

    from opparity.checker.facts.builds import Build

PLATFORMS = [Platform("cuda"), Platform("rocm"), Platform("cpu")]


def read(root: Path, content: object, *files: str) -> tuple[Build, ...]:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("")
    text = content if isinstance(content, str) else json.dumps(content, indent=1)
    (root / "modules.json").write_text(text)
    return read_json_lists(open_tree(root), PLATFORMS)


def test_sources_are_found_by_the_constant_end_of_their_f_string(tmp_path: Path) -> None:
    module = {
        "srcs": ["f'{CSRC}/pybind/norm.cu'", "f'{CSRC}/kernels/norm.cu'", "'csrc/plain.cu'"],
        "flags_extra_hip": ["'-DFAST=1'", "f'-O{LEVEL}'"],
    }
    files = ("csrc/pybind/norm.cu", "csrc/kernels/norm.cu", "csrc/plain.cu")
    (build,) = read(tmp_path, {"module_norm": module}, *files)
    (target,) = build.targets
    assert build.platform == "rocm"
    assert (target.name, target.is_complete) == ("module_norm", Truth.TRUE)
    assert [source.path for source in target.sources] == list(files)
    assert {macro.name: macro.value for macro in target.macros} == {"FAST": "1"}
    lines = (tmp_path / "modules.json").read_text().splitlines()
    assert "pybind/norm.cu" in lines[target.sources[0].location.line - 1]


@pytest.mark.parametrize("source", ["f'{CSRC}/{NAME}.cu'", "f'{CSRC}/gone.cu'", "f'{CSRC}/two.cu'"])
def test_a_source_that_is_not_one_file_of_the_tree_leaves_the_list_open(
    tmp_path: Path, source: str
) -> None:
    content = {"module": {"srcs": ["f'{CSRC}/one.cu'", source], "hip": 1}}
    (build,) = read(tmp_path, content, "a/one.cu", "a/two.cu", "b/two.cu")
    (target,) = build.targets
    assert {each.path for each in target.sources} == {"a/one.cu"}
    assert target.is_complete is Truth.UNKNOWN


@pytest.mark.parametrize("content", ['{"srcs"', '["srcs"]', '{"a": {"srcs": 3}}', "[" * 100_000])
def test_json_of_another_shape_builds_nothing(tmp_path: Path, content: str) -> None:
    text = content if '"srcs"' in content else content + '"srcs"'
    assert not [target for build in read(tmp_path, text) for target in build.targets]
