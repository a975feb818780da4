"""Triton's compiler driven without a GPU: one kernel, one architecture, one set of choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

if TYPE_CHECKING:
    from collections.abc import Mapping

# Waves of AMD's CDNA chips (gfx9) have 64 lanes, those of RDNA (gfx10 on) 32.
_WIDE_WAVES = "gfx9"


def target_of(architecture: str) -> GPUTarget:
    """Return Triton's name for "sm_90" or "gfx942"."""
    if architecture.startswith("sm_"):
        return GPUTarget("cuda", int(architecture.removeprefix("sm_")), 32)
    return GPUTarget("hip", architecture, wave_size(architecture))


def wave_size(architecture: str) -> int:
    """Return the lanes of a warp or wave."""
    return 64 if architecture.startswith(_WIDE_WAVES) else 32


def compile_kernel(
    kernel: Any,  # noqa: ANN401 -- Triton's own type has no stubs
    architecture: str,
    *,
    arguments: Mapping[str, str],
    constants: Mapping[str, object],
    aligned: frozenset[str],
    num_warps: int,
) -> Any:  # noqa: ANN401 -- the same
    """Compile a Triton kernel and return what Triton returns: `.asm` and `.metadata`.

    Args:
        kernel: a function decorated with triton.jit.
        architecture: "sm_90", "gfx942" and so on.
        arguments: name -> Triton's type of each argument that is given at launch.
        constants: name -> value of each tl.constexpr.
        aligned: names of arguments that are multiples of 16.
        num_warps: warps or waves of a program.
    """
    names = list(kernel.arg_names)
    source = ASTSource(
        fn=kernel,
        signature={**arguments, **dict.fromkeys(constants, "constexpr")},
        constexprs=dict(constants),
        attrs={(names.index(name),): [["tt.divisibility", 16]] for name in aligned},
    )
    return triton.compile(
        source,
        target=target_of(architecture),
        options={"num_warps": num_warps, "enable_fp_fusion": False},
    )
