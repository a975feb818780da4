"""vLLM #38750 put back into a release: trees that no release ever was.

The operator came after 0.19.1, built for CUDA only, and 0.20.0 builds and uses it on ROCm as well.
So the tree before the repair is 0.20.0 with the kernel's source moved to CUDA's own list, and with
the one Python test that lets ROCm use it narrowed to CUDA.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.checker.tree.contents import Tree

LISTS = "CMakeLists.txt"
BINDINGS = "csrc/torch_bindings.cpp"
HEADER = "csrc/ops.h"
FUSION = "vllm/compilation/passes/fusion/act_quant_fusion.py"
OPERATOR = "silu_and_mul_per_block_quant"
_SOURCE = '"csrc/quantization/fused_kernels/fused_silu_mul_block_quant.cu"'
_WIDE = "if current_platform.is_cuda_alike():\n    FUSED_OPS["
_FIRST_OF_CUDA = '    "csrc/minimax_reduce_rms_kernel.cu"'


def unguarded(release: Tree) -> Tree:
    """Return the release with the operator built, and used from Python, for CUDA alone."""
    fusion = release.read_text(FUSION)
    text = release.read_text(LISTS)
    if [text.count(_SOURCE), text.count(_FIRST_OF_CUDA), fusion.count(_WIDE)] != [1, 1, 1]:
        raise ValueError(f"{release.name} is not vLLM 0.20.0")
    text = text.replace(f"  {_SOURCE}\n", "", 1)
    text = text.replace(_FIRST_OF_CUDA, f"    {_SOURCE}\n{_FIRST_OF_CUDA}")
    narrow = _WIDE.replace("is_cuda_alike", "is_cuda")
    return _with(_with(release, LISTS, text), FUSION, fusion.replace(_WIDE, narrow))


def guarded(before: Tree, macro: str) -> Tree:
    """Return the tree with prototype, definition and implementation under `#ifndef macro`."""
    prototype = f"void {OPERATOR}("
    definition = f'  ops.def(\n      "{OPERATOR}('
    header = _guard(before.read_text(HEADER), prototype, ");\n", macro)
    bindings = _guard(before.read_text(BINDINGS), definition, f"&{OPERATOR});\n", macro)
    return _with(_with(before, HEADER, header), BINDINGS, bindings)


def _guard(text: str, first: str, last: str, macro: str) -> str:
    start = text.index(first)
    end = text.index(last, start) + len(last)
    return f"{text[:start]}#ifndef {macro}\n{text[start:end]}#endif\n{text[end:]}"


def _with(tree: Tree, path: str, text: str) -> Tree:
    return replace(tree, places={**tree.places, path: text.encode()})
