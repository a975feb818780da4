"""The native library with the C++ runtime linked into it, as some compilers do by default."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BUILDS = Path(__file__).parents[2] / "build"
CALL = """
import sys
import torch
torch.ops.load_library(sys.argv[1])
operators = torch.ops.opparity
gates = torch.ones(2, 256, dtype=torch.bfloat16)
for call in (
    lambda: operators.silu_and_mul(gates, "fp8_block")[0].shape,
    lambda: operators.situ_and_mul(gates, "fp8_block", beta=1e300),
    lambda: operators.quantize(gates[:, :255], "mxfp4"),
):
    try:
        print(tuple(call()))
    except RuntimeError as error:
        print(str(error).splitlines()[0])
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Link the newest build once more, with the runtime inside."""
    built = max(BUILDS.glob("*/libopparity.so"), key=lambda path: path.stat().st_mtime)
    commands = subprocess.run(
        [Path(sys.executable).with_name("ninja"), "-t", "commands", built.name],
        cwd=built.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    output = tmp_path_factory.mktemp("static") / built.name
    plain = " -o libopparity.so "
    link = commands.stdout.splitlines()[-1]
    assert plain in link
    static = link.replace(plain, f" -static-libstdc++ -o {output} ")
    subprocess.run(["sh", "-c", static], cwd=built.parent, check=True)
    needed = subprocess.run(["readelf", "-d", output], capture_output=True, text=True, check=True)
    assert "libtorch_cpu" in needed.stdout
    assert "libstdc++" not in needed.stdout
    return output


def test_messages_with_numbers_arrive_whole(library: Path) -> None:
    completed = subprocess.run(
        [sys.executable, "-c", CALL, library], capture_output=True, text=True, check=False
    )
    assert completed.returncode == 0, completed.stderr
    shape, beta, width = completed.stdout.splitlines()
    assert shape == "(2, 128)"
    assert beta.startswith("situ_and_mul: beta is 1e+300; allowed: ")
    assert "255" in width
