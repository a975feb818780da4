"""Names that other libraries have, and no tree by accident."""

from __future__ import annotations

import re

# What is always linked or included has these; no tree registers a function of them by accident.
OF_LIBRARIES = re.compile(
    r"^(?:__|aoti_|cuda(?![a-z]*_)|cu[A-Z]|hip(?!_)|nccl|rccl|cublas|cudnn|cusparse|mkl|[a-z]blas_"
    r"|THP[A-Z])"
)
FOREIGN_NAMESPACES = frozenset(
    {"at", "c10", "torch", "pybind11", "std", "cuda", "cub", "thrust", "cutlass", "cute", "hip"}
    | {"rocprim", "hipcub", "sycl", "dnnl", "py", "nanobind", "nb"}
)
