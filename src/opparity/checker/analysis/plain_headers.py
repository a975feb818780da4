"""Headers that everybody has, by their names."""

from __future__ import annotations

import re

_PLAIN_HEADERS = re.compile(
    r"^(?:(?:torch|ATen|THC|c10|pybind11|nanobind|cuda|cub|thrust|hip|hipcub|cooperative_groups|sys)/.*"
    r"|(?:cutlass|cute|rocprim|ck|ck_tile)/.*"
    r"|(?:cuda|hip|vector|device|math|curand|cu?blas|cusparse|cufft|sm_)\w*\.(?:h|hpp)|mma\.h|vector_types\.h|Python\.h|omp\.h|pthread\.h|unistd\.h"
    r"|(?:x86|imm|emm|arm_neon|arm_sve)\w*\.h|[a-z_]+"
    r"|(?:assert|ctype|errno|float|limits|math|signal|stdarg|stddef|stdio|stdlib|string|time|stdint"
    r"|inttypes|stdbool|fcntl|dlfcn)\.h)$"
)


def is_plain_header(path: str) -> bool:
    """Return whether an included file is the language's, torch's or a toolkit's, by its name."""
    return _PLAIN_HEADERS.match(path) is not None
