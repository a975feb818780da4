"""What a shared library needs and computes, in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import torch

TORCH = Path(torch.__file__).parent
# The CPU part of torch, and the runtime of C and C++.
ALLOWED = re.compile(
    r"(libtorch_cpu|libc10|libstdc\+\+|libm|libgcc_s|libc|ld-linux[^.]*)\.so[.\d]*"
)
COMPUTE = """
import hashlib, torch
torch.ops.load_library({library!r})
x = (torch.arange(2048, dtype=torch.float32).view(4, 512) * 37 % 101 - 50) / 16
out, scales = torch.empty(4, 256, dtype=torch.float8_e4m3fn), torch.empty(4, 2)
torch.ops.opparity.silu_and_mul_per_block_quant(out, x, scales, 128)
data = [*out.view(torch.uint8).flatten().tolist(), *scales.view(torch.uint8).flatten().tolist()]
print(hashlib.sha256(bytes(data)).hexdigest())
"""


def run(*command: str | Path) -> str:
    completed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr
    return completed.stdout


def python(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh interpreter that finds modules in a folder as well."""
    path = os.pathsep.join([str(folder), *(entry for entry in sys.path if entry)])
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def symbols(path: Path, choice: str) -> set[tuple[str, str]]:
    """Return (kind, name without version) of a library's dynamic symbols."""
    found = set()
    for line in run("nm", "--dynamic", choice, path).splitlines():
        *_, kind, name = line.split()
        found.add((kind, name.partition("@")[0]))
    return found


def missing_symbols(path: Path) -> set[str]:
    """Return what a library wants of these and none of them defines."""
    resolved = dict(
        re.findall(
            r"(\S+) => (\S+)",
            subprocess.run(
                ["ldd", path],
                env={**os.environ, "LD_LIBRARY_PATH": str(TORCH / "lib")},
                capture_output=True,
                text=True,
                check=True,
            ).stdout,
        )
    )
    defined = {
        symbol
        for name, found in resolved.items()
        if ALLOWED.fullmatch(name)
        for _, symbol in symbols(Path(found), "--defined-only")
    }
    # Those of kind w and v may stay undefined: __gmon_start__ and the like.
    wanted = {name for kind, name in symbols(path, "--undefined-only") if kind not in {"w", "v"}}
    assert "aoti_torch_library_def" in wanted
    return wanted - defined


def computed(library: Path, folder: Path, first: str = "", **environment: str) -> str:
    """Return the digest of what a library computes, after a first statement."""
    script = f"{first}\n{COMPUTE.format(library=str(library))}"
    completed = python(script, folder, **environment)
    assert completed.returncode == 0, completed.stderr
    assert len(completed.stdout.strip()) == 64
    return completed.stdout
