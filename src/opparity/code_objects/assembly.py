"""From the assembly of many Triton kernels to one code object of an AMD architecture.

Triton compiles each kernel to a code object of its own. One with all kernels is loaded at once, and
is a third of their size: a code object alone is mostly padding.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from triton._C.libtriton import llvm
from triton.backends.amd.compiler import HIPBackend

from opparity.code_objects.compilation import OPTIONS, target_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_METADATA = re.compile(
    r"\t\.amdgpu_metadata\n---\namdhsa\.kernels:\n(?P<kernel>.*?)"
    r"(?P<rest>amdhsa\.target:.*?)\n\t\.end_amdgpu_metadata\n",
    re.DOTALL,
)
# What the compiler fills behind a module's last kernel, for the instruction prefetch.
_FILLING = re.compile(r"\t\.text\n\t\.p2alignl \d+, \d+\n\t\.fill \d+, 4, \d+\n")
_HEADER = re.compile(r'\t\.amdgcn_target "[^"]+"\n\t\.amdhsa_code_object_version \d+\n')


def merge(assemblies: Mapping[str, str]) -> str:
    """Return one assembly with every kernel, under the names that are the mapping's keys."""
    bodies, metadata = [], []
    header = filling = rest = ""
    for number, (name, text) in enumerate(assemblies.items()):
        renamed = _rename(text, name, number)
        found = _METADATA.search(renamed)
        head, fill = _HEADER.search(renamed), _FILLING.search(renamed)
        assert found is not None, name
        assert head is not None, name
        assert fill is not None, name
        header, filling, rest = head[0], fill[0], found["rest"]
        metadata.append(found["kernel"])
        bodies.append(_HEADER.sub("", _FILLING.sub("", _METADATA.sub("", renamed))))
    return "".join(
        (
            header,
            *bodies,
            filling,
            "\t.amdgpu_metadata\n---\namdhsa.kernels:\n",
            *metadata,
            rest,
            "\n\t.end_amdgpu_metadata\n",
        )
    )


def assemble(assembly: str, architecture: str) -> bytes:
    """Return the code object, an ELF file, of an assembly."""
    llvm.init_targets()
    backend = HIPBackend(target_of(architecture))
    code: bytes = backend.make_hsaco(assembly, {}, backend.parse_options(dict(OPTIONS)))
    return code


def _rename(text: str, name: str, number: int) -> str:
    """Give a kernel its name and its labels a number of their own."""
    old = re.findall(r"^\s*\.amdhsa_kernel (\S+)$", text, re.MULTILINE)
    assert len(old) == 1, old
    text = re.sub(rf"\b{old[0]}\b", name, text)
    text = re.sub(r"\.LBB0_", f".LBB{number}_", text)
    text = re.sub(r"\.Lfunc_(begin|end)0\b", rf".Lfunc_\g<1>{number}", text)
    # Symbols with the numbers of registers, which stand in the descriptor already.
    return re.sub(r"^\t\.set .*\n", "", text, flags=re.MULTILINE)
