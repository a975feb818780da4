from __future__ import annotations

import subprocess
from pathlib import Path

import triton

from native_programs import HERE, compile_cpp


def test_the_binary_interface_that_is_assumed_is_that_of_hips_headers(tmp_path: Path) -> None:
    # Triton brings the headers of the HIP that it launches with.
    headers = Path(triton.__file__).parent / "backends" / "amd" / "include"
    program = compile_cpp(tmp_path / "interface", "-isystem", headers, HERE / "hip_interface.cpp")
    subprocess.run([program], check=True)
