"""Triton's compiler driven without a GPU: one kernel, one architecture, one set of choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

if TYPE_CHECKING:
    from collections.abc import Mapping

# Waves of AMD's CDNA chips (gfx9) have 64 lanes, those of RDNA (gfx10 on) 32.
_WIDE_WAVES = "gfx9"
# No contraction: the numerics contract says what is fused.
OPTIONS = {"enable_fp_fusion": False}


def target_of(architecture: str) -> GPUTarget:
    """Return Triton's name for "sm_90" or "gfx942"."""
    if architecture.startswith("sm_"):
        return GPUTarget("cuda", int(architecture.removeprefix("sm_")), 32)
    return GPUTarget("hip", architecture, wave_size(architecture))


def wave_size(architecture: str) -> int:
    """Return the lanes of a warp or wave."""
    return 64 if architecture.startswith(_WIDE_WAVES) else 32


@dataclass(frozen=True, slots=True)
class Variant:
    """One compilation of a Triton kernel.

    Attributes:
        name: of the compiled kernel.
        arguments: name -> Triton's type of each argument that is given at launch.
        constants: name -> value of each tl.constexpr.
        aligned: names of arguments that are multiples of 16.
        num_warps: warps or waves of a program.
    """

    name: str
    arguments: Mapping[str, str]
    constants: Mapping[str, object]
    aligned: frozenset[str]
    num_warps: int


def compile_kernel(
    kernel: Any,  # noqa: ANN401 -- Triton's own type has no stubs
    architecture: str,
    variant: Variant,
) -> Any:  # noqa: ANN401 -- the same
    """Compile a function decorated with triton.jit; return Triton's `.asm` and `.metadata`.

    The architecture is "sm_90", "gfx942" and so on.
    """
    names = list(kernel.arg_names)
    source = ASTSource(
        fn=kernel,
        signature={**variant.arguments, **dict.fromkeys(variant.constants, "constexpr")},
        constexprs=dict(variant.constants),
        attrs={(names.index(name),): [["tt.divisibility", 16]] for name in variant.aligned},
    )
    return triton.compile(
        source, target=target_of(architecture), options={"num_warps": variant.num_warps, **OPTIONS}
    )
