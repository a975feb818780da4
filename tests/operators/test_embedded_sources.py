"""The sources that the library carries for GPU compilers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from native_programs import HERE, SOURCES, compile_cpp, run_with, write_sources
from opparity.operators import embed_sources

if TYPE_CHECKING:
    from pathlib import Path

PRINT = """
#include <cstdio>
#include <cstring>
#include "native/gpu/embedded_sources.h"
int main(int, char** words) {
  for (const auto& source : opparity::embedded_sources()) {
    if (std::strcmp(source.name, words[1]) == 0) std::fputs(source.text, stdout);
  }
}
"""


def test_the_kernel_and_all_that_it_may_include_are_carried_as_they_are(tmp_path: Path) -> None:
    sources = write_sources(tmp_path)
    for folder in embed_sources.FOLDERS:
        names = {f"{folder}/{path.name}" for path in (SOURCES / folder).glob("*.h")}
        assert names
        assert names <= set(sources)
    assert {embed_sources.ENTRY, "native/platforms/cuda.h", "native/platforms/hip.h"} <= set(
        sources
    )
    assert embed_sources.HOST not in sources
    (tmp_path / "print.cpp").write_text(PRINT)
    program = compile_cpp(
        tmp_path / "print", tmp_path / "print.cpp", tmp_path / "embedded_sources.cpp"
    )
    for name in (embed_sources.ENTRY, "opparity_tables.h", "cstdint"):
        assert run_with(HERE, program, name) == sources[name].splitlines()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("#include <cmath>\n", "native/gpu/kernel.h includes <cmath>; allowed in GPU sources: cst"),
        ('#include "missing.h"\n', "missing.h is included by GPU sources and is in none of "),
    ],
)
def test_what_no_gpu_compiler_would_find_is_refused_when_the_library_is_built(
    tmp_path: Path, text: str, words: str
) -> None:
    kernel = tmp_path / embed_sources.ENTRY
    kernel.parent.mkdir(parents=True)
    kernel.write_text(text)
    with pytest.raises(SystemExit) as refusal:
        embed_sources.collect([tmp_path])
    assert str(refusal.value).startswith(words)


def test_a_text_that_would_end_early_is_refused() -> None:
    with pytest.raises(SystemExit, match="which ends a text"):
        embed_sources.data({"a.h": 'x )opparity" y'})
