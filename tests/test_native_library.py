"""The native library: what it needs, and that it loads and computes in each configuration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from opparity.operators import native_library
from shared_libraries import ALLOWED, computed, missing_symbols, run, symbols

if TYPE_CHECKING:
    from pathlib import Path


def library() -> Path:
    path = native_library.path()
    assert path is not None
    return path


def test_it_needs_the_cpu_part_of_torch_and_the_cpp_runtime_alone() -> None:
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "--dynamic", library()))
    assert "libtorch_cpu.so" in needed
    assert [name for name in needed if not ALLOWED.fullmatch(name)] == []


def test_it_has_each_symbol_it_needs_from_these() -> None:
    assert missing_symbols(library()) == set()


def test_it_is_no_python_module() -> None:
    names = {name for _, name in symbols(library(), "--defined-only")}
    assert [name for name in names if name.startswith("PyInit_")] == []
    undefined = {name for _, name in symbols(library(), "--undefined-only")}
    assert [name for name in undefined if re.match(r"_?Py[A-Z_]", name)] == []


@pytest.mark.parametrize(
    ("first", "environment"),
    [
        pytest.param("", {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}, id="no GPU"),
        pytest.param("", {"LD_BIND_NOW": "1"}, id="every symbol bound at once"),
        pytest.param("import opparity; opparity.load()", {}, id="loaded twice"),
    ],
)
def test_it_loads_and_computes_in_each_configuration(
    tmp_path: Path, first: str, environment: dict[str, str]
) -> None:
    expected = computed(library(), tmp_path)
    assert computed(library(), tmp_path, first, **environment) == expected
