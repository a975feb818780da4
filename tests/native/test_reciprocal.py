from __future__ import annotations

import platform
import subprocess
from typing import TYPE_CHECKING

from native_programs import HERE, compile_cpp

if TYPE_CHECKING:
    from pathlib import Path


def test_two_steps_from_any_start_that_amd_documents_give_the_rounded_reciprocal(
    tmp_path: Path,
) -> None:
    # Without the instruction fma is a function of the C library: as exact, and slow.
    fast = ["-mfma"] if platform.machine() == "x86_64" else []
    program = compile_cpp(
        tmp_path / "reciprocal", "-O3", "-ffp-contract=off", *fast, HERE / "reciprocal.cpp"
    )
    completed = subprocess.run([program], capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stdout
    # Two starts for nearly every one of the 8,388,609 divisors, three where one is exact.
    assert 2 * 8_388_609 - 10 < int(completed.stdout) < 3 * 8_388_609
