"""Compiling and launching on AMD GPUs, against stand-ins for HIP's runtime and for HIPRTC.

They record calls, and no GPU is needed.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from native_programs import GPU_RUNTIME, HERE, compile_cpp, compile_library, run_with

if TYPE_CHECKING:
    from pathlib import Path

DRIVER, COMPILER = "libamdhip64.so", "libhiprtc.so"
# Of stand_in_sources.cpp.
SOURCES = "first.h: one | folder/second.h: two"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    runtime, compiler = HERE / "stand_in_hip.cpp", HERE / "stand_in_compiler.cpp"
    compile_library(folder / "both" / DRIVER, f"-Wl,-soname,{DRIVER}", runtime)
    compile_library(folder / "both" / COMPILER, compiler)
    compile_library(folder / "old_driver" / DRIVER, "-DWITHOUT_LAUNCH", runtime)
    compile_library(folder / "old_compiler" / COMPILER, "-DWITHOUT_CODE", compiler)
    for name, library, source in (
        ("rocm_6", f"{DRIVER}.6", DRIVER),
        ("rocm_6", f"{COMPILER}.6", COMPILER),
        ("rocm_7", f"{DRIVER}.7", DRIVER),
        ("rocm_7", f"{COMPILER}.7", COMPILER),
        ("only_the_driver", DRIVER, DRIVER),
        ("only_the_compiler", COMPILER, COMPILER),
        ("old_driver", COMPILER, COMPILER),
        ("old_compiler", DRIVER, DRIVER),
    ):
        (folder / name).mkdir(exist_ok=True)
        # A copy: the loader would find the compiler beside the file that a link points to.
        shutil.copy(folder / "both" / source, folder / name / library)
    return compile_cpp(
        folder / "program",
        HERE / "kernel_cache_program.cpp",
        HERE / "stand_in_sources.cpp",
        *GPU_RUNTIME,
    )


def run(program: Path, steps: str, libraries: str = "both", **environment: str) -> list[str]:
    return run_with(program.parent / libraries, program, "hip", *steps.split(), **environment)


def launched(key: int = 0, device: int = 0, architecture: str = "gfx942") -> str:
    return (
        f"hipModuleLaunchKernel {architecture} KEY={key} on {device} 7x3x1 of 128x1x1 shared 16 "
        "stream 9 arguments 2a000000"
    )


def compiled(key: int = 0, architecture: str = "gfx942") -> str:
    options = "-O3 -std=c++20 -ffp-contract=off"
    return f"hiprtcCompileProgram --offload-arch={architecture} {options} -DKEY={key}"


def loads(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("hipModuleLoadData")]


def test_the_first_launch_compiles_for_the_chip_and_loads(program: Path) -> None:
    assert run(program, "launch 0 1") == [
        "hipInit ",
        "hipGetDevicePropertiesR0600 0",
        f'hiprtcCreateProgram opparity.cu: #include "native/gpu/kernel.h" | {SOURCES}',
        compiled(1),
        "hiprtcDestroyProgram ",
        "hipThreadExchangeStreamCaptureMode 2",
        "hipModuleLoadData gfx942 KEY=1 on 0",
        "hipModuleGetFunction opparity_kernel",
        "hipThreadExchangeStreamCaptureMode 0",
        launched(1),
    ]


def test_later_launches_only_launch(program: Path) -> None:
    assert run(program, "launch 0 1 launch 0 1")[10:] == [launched(1)]


@pytest.mark.parametrize(("device", "wave_size"), [("0", 64), ("1", 32)])
def test_facts_are_told_without_a_compiler(program: Path, device: str, wave_size: int) -> None:
    line = run(program, f"facts {device}", "only_the_driver")[-1]
    assert line == f"facts 0 0 {wave_size}"


def test_on_another_device_the_launch_makes_it_current_and_the_caller_keeps_its_own(
    program: Path,
) -> None:
    lines = run(program, "launch 0 0 launch 1 0 launch 0 0 launch 1 0")
    assert [line for line in lines if line.startswith("hipModuleL")] == [
        "hipModuleLoadData gfx942 KEY=0 on 0",
        launched(),
        "hipModuleLoadData gfx1100 KEY=0 on 1",
        launched(device=1, architecture="gfx1100"),
        # The image is still there, which HIP's runtime needs.
        launched(),
        launched(device=1, architecture="gfx1100"),
    ]
    switches = [line for line in lines if line.startswith("hipSetDevice")]
    assert switches == ["hipSetDevice 1", "hipSetDevice 0"] * 3


def test_sixteen_threads_on_two_devices_compile_for_each_chip_once(program: Path) -> None:
    lines = run(program, "threads 2 1")
    assert sorted(line for line in lines if line.startswith("hiprtcCompile")) == [
        compiled(architecture="gfx1100"),
        compiled(architecture="gfx942"),
    ]
    assert len(loads(lines)) == 2
    assert lines.count(launched()) == 8
    assert lines.count(launched(device=1, architecture="gfx1100")) == 8


def test_two_devices_of_the_same_chip_share_what_was_compiled(program: Path) -> None:
    lines = run(program, "launch 0 0 launch 1 0", STAND_IN_ARCHITECTURES="gfx950 gfx950:xnack-")
    assert lines.count(compiled(architecture="gfx950")) == 1
    assert loads(lines) == [f"hipModuleLoadData gfx950 KEY=0 on {device}" for device in (0, 1)]


def test_a_first_launch_inside_a_capture_loads_in_the_relaxed_mode(program: Path) -> None:
    lines = run(program, "launch 0 0", STAND_IN_CAPTURES="1")
    assert loads(lines) == ["hipModuleLoadData gfx942 KEY=0 on 0"]
    assert lines[-1] == launched()


def test_memory_is_cleared_on_the_stream_of_its_device(program: Path) -> None:
    assert run(program, "clear 1")[-3:] == [
        "hipSetDevice 1",
        "hipMemsetAsync 4096 byte 0 count 512 stream 9 on 1",
        "hipSetDevice 0",
    ]


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        ("hipInit", "100", "hipInit: some other error (HIP error 100, hipErrorOther)"),
        ("hipGetDevicePropertiesR0600", "101", "hipGetDeviceProperties 1: some other error"),
        ("hipSetDevice", "101", "hipSetDevice: some other error"),
        (
            "hiprtcCompileProgram",
            "6",
            "HIPRTC 13.7 does not compile kernel 0 for gfx1100: COMPILATION",
        ),
        (
            "hipModuleLoadData",
            "209",
            "serves instead): no kernel image is available for execution on the device",
        ),
        ("hipModuleGetFunction", "500", "finding opparity_kernel: some other error (HIP error 500"),
        (
            "hipModuleLaunchKernel",
            "1",
            "launching kernel 0: hipModuleLaunchKernel: some other error (HIP error 1,",
        ),
    ],
)
def test_a_failure_says_which_call_and_the_runtimes_words_and_leaves_the_thread_as_it_was(
    program: Path, function: str, error: str, words: str
) -> None:
    lines = run(program, "launch 1 0", **{function: error})
    [refusal] = [line for line in lines if line.startswith("refused: ")]
    assert words in refusal
    switches = [line for line in lines if line.startswith("hipSetDevice")]
    # A failed hipSetDevice has changed nothing, so there is nothing to undo.
    expected = (
        ["hipSetDevice 1"] if function == "hipSetDevice" else ["hipSetDevice 1", "hipSetDevice 0"]
    )
    assert switches == expected * (len(switches) // len(expected))
    modes = [line for line in lines if line.startswith("hipThreadExchange")]
    assert modes == [
        "hipThreadExchangeStreamCaptureMode 2",
        "hipThreadExchangeStreamCaptureMode 0",
    ] * (len(modes) // 2)


def test_after_a_failed_load_the_next_launch_tries_again(program: Path) -> None:
    lines = run(program, "launch 0 0 launch 0 0", hipModuleLoadData="209")
    assert sum(line.startswith("refused: ") for line in lines) == 2
    assert loads(lines) == ["hipModuleLoadData gfx942 KEY=0 on 0"] * 2
    assert lines.count(compiled()) == 1


def test_a_device_that_does_not_exist_is_refused_in_the_runtimes_words(program: Path) -> None:
    line = run(program, "launch 2 0")[-1]
    assert line == (
        "refused: hipGetDeviceProperties 2: some other error (HIP error 101, hipErrorOther)"
    )


@pytest.mark.parametrize("libraries", ["rocm_6", "rocm_7"])
def test_runtime_and_compiler_are_found_under_their_versioned_names(
    program: Path, libraries: str
) -> None:
    assert run(program, "launch 0 0", libraries)[-1] == launched()


def test_the_runtime_that_is_loaded_already_and_the_compiler_beside_it_are_taken(
    program: Path, tmp_path: Path
) -> None:
    # torch for ROCm brings its own, in a folder that the linker does not search.
    shutil.copy(program.parent / "both" / DRIVER, tmp_path / DRIVER)
    flags = ("-DVERSION=21", HERE / "stand_in_compiler.cpp")
    compile_library(tmp_path / COMPILER, *flags)
    own = str(tmp_path / DRIVER)
    lines = run(program, "launch 0 0", "old_driver", LD_PRELOAD=own, hiprtcCompileProgram="6")
    assert any("HIPRTC 21.7 does not compile" in line for line in lines)


def test_no_runtime_and_an_old_one_are_told_apart(program: Path) -> None:
    [line] = run(program, "launch 0 0", "only_the_compiler")
    assert "HIP's runtime does not load: libamdhip64.so" in line
    [line] = run(program, "launch 0 0", "old_driver")
    assert "there is no hipModuleLaunchKernel: HIP's runtime of ROCm 6 or newer is needed" in line


def test_no_compiler_and_an_old_one_are_told_apart(program: Path) -> None:
    line = run(program, "launch 0 0", "only_the_driver")[-1]
    assert line.startswith("refused: HIPRTC does not load: ")
    for name in ("libhiprtc.so.6", "/opt/rocm/lib/libhiprtc.so", "OPPARITY_FORBID=native"):
        assert name in line
    line = run(program, "launch 0 0", "old_compiler")[-1]
    assert "there is no hiprtcGetCodeSize: HIPRTC of ROCm 6 or newer is needed" in line


def test_a_child_forked_after_a_launch_is_refused_and_its_parent_goes_on(program: Path) -> None:
    lines = run(program, "launch 0 0 fork launch 0 0")
    child, parent = lines.index("child"), lines.index("parent, child ended with 0")
    [refusal] = lines[child + 1 : parent]
    assert "this process was forked from one that had used a GPU" in refusal
    assert lines[parent + 1 :] == [launched()]
