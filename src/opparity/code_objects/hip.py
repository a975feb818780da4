"""Triton kernels, compiled by Triton for AMD GPUs into one file for each architecture."""

from __future__ import annotations

import importlib
import json
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import triton

from opparity.code_objects import assembly, manifest
from opparity.code_objects.compilation import OPTIONS, compile_kernel, wave_size
from opparity.platforms import PLATFORMS, Platform

if TYPE_CHECKING:
    from pathlib import Path

    from opparity.code_objects.compilation import Variant

ARCHITECTURES = PLATFORMS[Platform.ROCM].architectures


def sources(operator: str) -> tuple[str, ...]:
    """Return what decides an operator's kernels."""
    folder = f"operators/{operator}"
    return (
        "code_objects/assembly.py",
        "code_objects/compilation.py",
        "formats.py",
        "operators/numerics.py",
        "operators/triton_numerics.py",
        f"{folder}/hip_kernels.py",
        f"{folder}/triton_constants.py",
        f"{folder}/triton_kernel.py",
    )


def flags() -> tuple[str, ...]:
    """Return the compiler's options in words."""
    return (*(f"{name}={value}" for name, value in OPTIONS.items()), "disable_line_info=True")


def compiler() -> str:
    """Return the name and version of the compiler that is installed."""
    return f"triton {version('triton')}"


def variants(operator: str, architecture: str) -> tuple[Variant, ...]:
    """Return the variants that an operator's hip_kernels.py lists."""
    module = importlib.import_module(f"opparity.operators.{operator}.hip_kernels")
    listed: tuple[Variant, ...] = module.variants(architecture)
    return listed


def compile_operator(operator: str, jobs: int) -> dict[str, Any] | None:
    """Compile an operator's kernels; return its entry of the manifest, None where it has none."""
    if not (manifest.SOURCES / "operators" / operator / "hip_kernels.py").is_file():
        return None
    files, launches = {}, {}
    with (
        tempfile.TemporaryDirectory() as cache,
        ProcessPoolExecutor(jobs, initializer=_use_cache, initargs=(cache,)) as pool,
    ):
        for architecture in ARCHITECTURES:
            listed = variants(operator, architecture)
            compiled = dict(
                zip(
                    (variant.name for variant in listed),
                    pool.map(partial(compile_variant, operator, architecture), listed, chunksize=5),
                    strict=True,
                )
            )
            assemblies = {name: text for name, (text, _) in compiled.items()}
            target = manifest.FOLDER / f"{operator}.{architecture}.hsaco"
            target.write_bytes(assembly.assemble(assembly.merge(assemblies), architecture))
            launches[architecture] = {name: facts for name, (_, facts) in compiled.items()}
            files[architecture] = {
                "file": target.name,
                "wave_size": wave_size(architecture),
                "sha256": manifest.sha256(target),
            }
    return {
        "files": files,
        "compiler": compiler(),
        "kernels": _write_kernels(operator, launches).name,
        "made_from_sha256": manifest.made_from(sources(operator), compiler(), flags()),
    }


def compile_variant(
    operator: str, architecture: str, variant: Variant
) -> tuple[str, dict[str, object]]:
    """Return a variant's assembly, and what launching it needs to know."""
    module = importlib.import_module(f"opparity.operators.{operator}.hip_kernels")
    with triton.knobs.compilation.scope():
        # Line information has paths of this machine in it.
        triton.knobs.compilation.disable_line_info = True
        compiled = compile_kernel(module.KERNEL, architecture, variant)
    facts = {
        "encoder": variant.constants["ENCODER"],
        "warps": compiled.metadata.num_warps,
        "shared": compiled.metadata.shared,
    }
    return compiled.asm["amdgcn"], facts


def _use_cache(folder: str) -> None:
    """Have this process compile afresh, whatever it has compiled before."""
    triton.knobs.cache.dir = folder


def _write_kernels(operator: str, launches: dict[str, Any]) -> Path:
    """Write each kernel's constants and launch facts, one line a kernel."""
    lines = []
    for variant in variants(operator, ARCHITECTURES[0]):
        constants = {key: value for key, value in variant.constants.items() if key != "ENCODER"}
        facts = {
            "constants": constants,
            "aligned": sorted(variant.aligned),
            **{architecture: launches[architecture][variant.name] for architecture in launches},
        }
        lines.append(f"  {json.dumps(variant.name)}: {json.dumps(facts)}")
    target = manifest.FOLDER / f"{operator}.hip.json"
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return target
