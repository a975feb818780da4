"""What the precompiled kernels were made from."""

from __future__ import annotations

import hashlib
from pathlib import Path

SOURCES = Path(__file__).parents[1]
FOLDER = Path(__file__).parent / "objects"


def source_digest(operator: str) -> str:
    """Return the SHA-256 of everything that an operator's CUDA kernel is compiled from."""
    digest = hashlib.sha256()
    for path in (
        SOURCES / "native" / "numerics.cuh",
        SOURCES / "native" / "overlap.cuh",
        SOURCES / "operators" / operator / "cuda_kernel.cu",
    ):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
