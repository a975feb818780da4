"""Compiling the small C++ programs of these tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from opparity.operators import embed_sources
from opparity.operators.__main__ import header

HERE = Path(__file__).parent / "native"
SOURCES = Path(__file__).parents[1] / "src" / "opparity"
GPU = SOURCES / "native" / "gpu"
COMPILERS = tuple(
    GPU / name for name in ("cuda_compiler.cpp", "hip_compiler.cpp", "library.cpp", "program.cpp")
)
# What a program needs that uses a kernel cache, less the sources that it compiles.
GPU_RUNTIME = (
    *COMPILERS,
    *(GPU / name for name in ("cuda_driver.cpp", "hip_driver.cpp", "kernel_cache.cpp")),
)


def compile_cpp(output: Path, *arguments: str | Path) -> Path:
    subprocess.run(
        [
            "g++",
            "-std=c++20",
            "-O1",
            "-Wall",
            "-Wextra",
            f"-I{SOURCES}",
            "-o",
            output,
            *arguments,
            "-ldl",
            "-pthread",
        ],
        check=True,
    )
    return output


def compile_library(output: Path, *arguments: str | Path) -> Path:
    output.parent.mkdir(parents=True, exist_ok=True)
    return compile_cpp(output, "-shared", "-fPIC", *arguments)


def run_with(folder: Path, *command: str | Path, **environment: str) -> list[str]:
    """Run a program whose driver libraries are those of a folder; return the lines it prints."""
    completed = subprocess.run(
        command,
        env={**os.environ, "LD_LIBRARY_PATH": str(folder), **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return completed.stdout.splitlines()


def write_tables(folder: Path) -> Path:
    """Write the tables' header, as the build does, into a folder for `-I`; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "opparity_tables.h").write_text(header(), encoding="utf-8")
    return folder


def write_sources(folder: Path, kernel: Path | None = None) -> dict[str, str]:
    """Write the embedded sources as the build does, and return them by name.

    Args:
        folder: gets embedded_sources.cpp.
        kernel: taken in the place of native/gpu/kernel.h.
    """
    sources = embed_sources.collect([SOURCES, write_tables(folder)])
    if kernel is not None:
        sources[embed_sources.ENTRY] = kernel.read_text("utf-8")
    (folder / "embedded_sources.cpp").write_text(embed_sources.data(sources), "utf-8")
    return sources
