"""The operator as on ROCm, down to the runtime's launch, against stand-ins: without a GPU."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from native_programs import HERE, compile_library
from opparity.operators import amd_devices
from rocm_stand_in import write_topology

START = """
import ctypes, sys
from pathlib import Path
import rocm_stand_in
rocm_stand_in.pretend(Path(sys.argv[1]))
ctypes.CDLL("libtorch_hip.so")
import opparity, torch
from rocm_stand_in import on_gpu
"""
CALL = """
opparity.load()
input = on_gpu(torch.zeros(3, 2 * 7168, dtype=torch.bfloat16), {device})
out = on_gpu(torch.zeros(3, 7168, dtype=torch.float8_e4m3fnuz), {device})
scales = on_gpu(torch.zeros(56, 3), {device})
bound = on_gpu(torch.ones(1), {device})
print("pointers", out.data_ptr(), input.data_ptr(), scales.data_ptr(), bound.data_ptr())
sys.stdout.flush()
torch.ops.opparity.silu_and_mul_per_block_quant(out, input, scales, 128, bound, True)
"""
DOCTOR = """
from opparity.doctor import examine
print(examine().to_json())
"""


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rocm")
    compile_library(folder / "libamdhip64.so", HERE / "stand_in_hip.cpp")
    torch_hip = folder / "libtorch_hip.so"
    compile_library(torch_hip, f"-Wl,-soname,{torch_hip.name}", HERE / "stand_in_torch_hip.cpp")
    return folder


def run(script: str, libraries: Path, topology: Path, **environment: str) -> list[str]:
    completed = subprocess.run(
        [sys.executable, "-c", START + script, topology],
        env={
            **os.environ,
            "LD_LIBRARY_PATH": str(libraries),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    return completed.stdout.splitlines()


@pytest.mark.parametrize("device", [0, 1])
def test_the_operator_launches_the_code_object_on_torchs_stream(
    libraries: Path, tmp_path: Path, device: int
) -> None:
    topology = write_topology(tmp_path / "nodes", 90402, 110000)
    lines = run(CALL.format(device=device), libraries, topology)
    [pointers] = [line.split()[1:] for line in lines if line.startswith("pointers")]
    words = lines[-1 - device].split()
    assert words[:2] == ["hipModuleLaunchKernel", "BFloat16_Float8E4M3FNUZ_exact_128_Wide"]
    assert words[words.index("on") + 1] == str(device)
    assert words[words.index("stream") + 1] == str(1000 + device)
    assert words[words.index("of") - 1] == "21x1x1"
    numbers = struct.unpack("<4Q4i4q2Q", bytes.fromhex(words[-1]))
    assert list(map(str, numbers[:4])) == pointers
    # Transposed scales: the next token's is beside, the next group's three behind.
    assert numbers[4:] == (7168, 56, 7, 1, 14336, 7168, 1, 3, 0, 0)


def rows(libraries: Path, topology: Path, **environment: str) -> dict[str, tuple[str, str | None]]:
    report = json.loads("\n".join(run(DOCTOR, libraries, topology, **environment)))
    return {
        row["provider"]: (row["status"], row["reason"])
        for row in report["rows"]
        if row["platform"] == "rocm"
    }


def test_native_serves_architectures_that_have_code_objects(
    libraries: Path, tmp_path: Path
) -> None:
    topology = write_topology(tmp_path / "nodes", 90010, 90402, 90500, 110000, 120000, 120001)
    found = rows(libraries, topology)
    assert found["native"] == ("selected", None)
    assert found["triton"] == ("available", None)


def test_triton_serves_where_one_gpu_has_no_code_object_and_doctor_says_which(
    libraries: Path, tmp_path: Path
) -> None:
    topology = write_topology(tmp_path / "nodes", 110000, 100306)
    found = rows(libraries, topology)
    status, reason = found["native"]
    assert status == "refused"
    assert reason is not None
    assert "silu_and_mul_per_block_quant has no code object for gfx1036, only for gfx90a" in reason
    assert "HIP_VISIBLE_DEVICES" in reason
    assert found["triton"] == ("selected", None)
    # And that is the way out.
    found = rows(libraries, topology, HIP_VISIBLE_DEVICES="0")
    assert found["native"] == ("selected", None)


def test_triton_serves_where_the_driver_shows_nothing(libraries: Path, tmp_path: Path) -> None:
    found = rows(libraries, tmp_path / "nothing")
    status, reason = found["native"]
    assert status == "refused"
    assert reason is not None
    assert "does not exist, so AMD's driver shows no GPU" in reason
    assert found["triton"] == ("selected", None)


def seen(
    monkeypatch: pytest.MonkeyPatch, topology: Path, **environment: str
) -> tuple[str, ...] | str:
    """Return the architectures, or why they are not known."""
    for name in (*amd_devices._HIP_FILTERS, amd_devices._RUNTIME_FILTER, amd_devices._OVERRIDE):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(amd_devices, "TOPOLOGY", topology)
    try:
        return amd_devices.architectures()
    except amd_devices.Unknown as unknown:
        return str(unknown)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ("gfx90a", "gfx942", "gfx1201")),
        ({"HIP_VISIBLE_DEVICES": "2,0"}, ("gfx1201", "gfx90a")),
        ({"CUDA_VISIBLE_DEVICES": "1"}, ("gfx942",)),
        ({"HIP_VISIBLE_DEVICES": "2", "CUDA_VISIBLE_DEVICES": "1"}, ("gfx1201",)),
        # The second list counts what the first one left.
        ({"ROCR_VISIBLE_DEVICES": "1,2", "HIP_VISIBLE_DEVICES": "1"}, ("gfx1201",)),
        # As HIP reads it: up to the first number that there is not.
        ({"HIP_VISIBLE_DEVICES": "0,7,1"}, ("gfx90a",)),
        ({"HSA_OVERRIDE_GFX_VERSION": "11.0.0"}, ("gfx1100",) * 3),
    ],
)
def test_the_architectures_are_those_that_the_runtime_will_show(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    environment: dict[str, str],
    expected: tuple[str, ...],
) -> None:
    topology = write_topology(tmp_path / "nodes", 90010, 90402, 120001)
    assert seen(monkeypatch, topology, **environment) == expected


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"HIP_VISIBLE_DEVICES": ""}, "lists no GPU that is visible to this process"),
        ({"HIP_VISIBLE_DEVICES": "-1"}, "lists no GPU that is visible to this process"),
        ({"ROCR_VISIBLE_DEVICES": "GPU-4c1"}, "ROCR_VISIBLE_DEVICES names GPUs by their ident"),
        ({"HSA_OVERRIDE_GFX_VERSION": "gfx1100"}, "allowed: three numbers, as 11.0.0"),
        ({"HSA_OVERRIDE_GFX_VERSION_1": "11.0.0"}, "HSA_OVERRIDE_GFX_VERSION_1 is set, for one"),
    ],
)
def test_what_cannot_be_told_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environment: dict[str, str], words: str
) -> None:
    topology = write_topology(tmp_path / "nodes", 90010)
    assert words in seen(monkeypatch, topology, **environment)


def test_a_gpu_that_belongs_to_others_does_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    topology = write_topology(tmp_path / "nodes", 100306, 90402)
    read_text = Path.read_text

    def refuse(path: Path, encoding: str) -> str:
        if path.parent.name == "1":
            raise PermissionError
        return read_text(path, encoding)

    # Permissions of files do not hold for the superuser, who may run this.
    monkeypatch.setattr(Path, "read_text", refuse)
    assert seen(monkeypatch, topology) == ("gfx942",)


@pytest.mark.parametrize("version", ["gfx942", "-1"])
def test_a_version_that_is_no_number_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str
) -> None:
    topology = write_topology(tmp_path / "nodes", 90402)
    (topology / "1" / "properties").write_text(f"gfx_target_version {version}\n")
    assert "a number was expected" in seen(monkeypatch, topology)


def test_a_node_that_vanishes_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    topology = write_topology(tmp_path / "nodes", 90402)
    (topology / "1" / "properties").unlink()
    assert "properties cannot be read: No such file" in seen(monkeypatch, topology)


def test_more_than_nine_nodes_keep_the_runtimes_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    topology = write_topology(tmp_path / "nodes", *([90402] * 9), 120001)
    assert seen(monkeypatch, topology) == ("gfx942",) * 9 + ("gfx1201",)
