"""Compiling and launching on NVIDIA GPUs, against stand-ins for CUDA's driver and for NVRTC.

They record calls, and no GPU is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from native_programs import GPU_RUNTIME, HERE, compile_cpp, compile_library, run_with

if TYPE_CHECKING:
    from pathlib import Path

DRIVER, COMPILER = "libcuda.so.1", "libnvrtc.so.13"
# Of stand_in_sources.cpp.
SOURCES = "first.h: one | folder/second.h: two"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    sources = (HERE / "stand_in_driver.cpp", HERE / "stand_in_compiler.cpp")
    for name, driver_flags, compiler_flags in (
        ("both", [], []),
        ("old_driver", ["-DWITHOUT_LAUNCH"], []),
        ("old_compiler", [], ["-DWITHOUT_CODE"]),
    ):
        compile_library(folder / name / DRIVER, *driver_flags, sources[0])
        compile_library(folder / name / COMPILER, "-DNVRTC", *compiler_flags, sources[1])
    for name, library in (("driver", DRIVER), ("compiler", COMPILER)):
        (folder / f"only_the_{name}").mkdir()
        (folder / f"only_the_{name}" / library).symlink_to(folder / "both" / library)
    return compile_cpp(
        folder / "program",
        HERE / "kernel_cache_program.cpp",
        HERE / "stand_in_sources.cpp",
        *GPU_RUNTIME,
    )


def run(program: Path, steps: str, libraries: str = "both", **environment: str) -> list[str]:
    return run_with(program.parent / libraries, program, "cuda", *steps.split(), **environment)


def launched(key: int = 0, architecture: str = "sm_90", *, overlaps: bool = True) -> str:
    words = (
        f"cuLaunchKernelEx {architecture} KEY={key} 7x3x1 of 128x1x1 shared 16 stream 9 argument 42"
    )
    return f"{words} attribute 6=1" if overlaps else words


def compiled(key: int = 0, option: str = "--gpu-architecture=sm_90") -> str:
    return (
        f"nvrtcCompileProgram {option} -default-device -std=c++20 -fmad=false -prec-div=true "
        f"-ftz=false -DKEY={key}"
    )


def test_the_first_launch_compiles_for_the_chip_and_loads_in_the_devices_own_context(
    program: Path,
) -> None:
    assert run(program, "launch 0 1") == [
        "cuInit ",
        "cuDeviceGet 0",
        "cuDeviceGetAttribute 16",
        "cuDeviceGetAttribute 39",
        "cuDeviceGetAttribute 36",
        "cuDeviceGetAttribute 37",
        "cuDeviceGetAttribute 75",
        "cuDeviceGetAttribute 76",
        "cuDevicePrimaryCtxRetain 0",
        f'nvrtcCreateProgram opparity.cu: #include "native/gpu/kernel.h" | {SOURCES}',
        compiled(1),
        "nvrtcDestroyProgram ",
        "cuThreadExchangeStreamCaptureMode 2",
        "cuCtxPushCurrent_v2 first",
        "cuModuleLoadData sm_90 KEY=1 in first",
        "cuModuleGetFunction opparity_kernel",
        "cuCtxPopCurrent_v2 ",
        "cuThreadExchangeStreamCaptureMode 0",
        "cuCtxPushCurrent_v2 first",
        launched(1),
        "cuCtxPopCurrent_v2 ",
    ]


def test_later_launches_only_launch(program: Path) -> None:
    lines = run(program, "launch 0 1 launch 0 1")
    assert lines[21:] == ["cuCtxPushCurrent_v2 first", launched(1), "cuCtxPopCurrent_v2 "]


def test_facts_are_told_without_a_compiler(program: Path) -> None:
    assert run(program, "facts 0", "only_the_driver")[-1] == "facts 132 2048 32"


def test_another_device_of_the_same_chip_loads_what_was_compiled_for_the_first(
    program: Path,
) -> None:
    lines = run(program, "launch 0 0 launch 0 1 launch 1 0 cost")
    assert [line for line in lines if line.startswith("cuModuleLoadData")] == [
        "cuModuleLoadData sm_90 KEY=0 in first",
        "cuModuleLoadData sm_90 KEY=1 in first",
        "cuModuleLoadData sm_90 KEY=0 in second",
    ]
    assert [line for line in lines if line.startswith("nvrtcCompile")] == [compiled(0), compiled(1)]
    assert lines[-1] == "cost 2 some time"


@pytest.mark.parametrize(
    ("threads", "kernels", "loads"), [("1 1", 1, 1), ("2 1", 1, 2), ("1 4", 4, 4), ("2 4", 4, 8)]
)
def test_sixteen_threads_that_start_at_once_compile_each_kernel_once(
    program: Path, threads: str, kernels: int, loads: int
) -> None:
    lines = run(program, f"threads {threads} cost")
    assert sum(line.startswith("nvrtcCompileProgram") for line in lines) == kernels
    assert sum(line.startswith("cuModuleLoadData") for line in lines) == loads
    assert sum(line.startswith("cuLaunchKernelEx") for line in lines) == 16
    assert lines[-1] == f"cost {kernels} some time"


def test_sixteen_threads_each_learn_why_the_kernel_does_not_compile(program: Path) -> None:
    lines = run(program, "threads 1 1", nvrtcCompileProgram="6", STAND_IN_LOG="no such thing")
    refusals = [line for line in lines if line.startswith("refused: ")]
    assert refusals == ["refused: NVRTC 13.7 does not compile kernel 0 for sm_90: COMPILATION"] * 16
    assert lines.count("no such thing") == 16


def test_kernels_are_found_while_others_are_added(tmp_path: Path) -> None:
    table = compile_cpp(tmp_path / "table", HERE / "function_table.cpp")
    assert run_with(tmp_path, table) == ["20000"]


def test_a_first_launch_inside_a_capture_loads_in_the_relaxed_mode(program: Path) -> None:
    lines = run(program, "launch 0 0", STAND_IN_CAPTURES="1")
    assert "cuModuleLoadData sm_90 KEY=0 in first" in lines
    assert launched() in lines


def test_a_newer_chip_than_the_compiler_knows_gets_ptx_of_the_newest_that_it_knows(
    program: Path,
) -> None:
    lines = run(program, "launch 0 0", CAPABILITY="12.1")
    assert compiled(0, "--gpu-architecture=compute_100") in lines
    assert launched(architecture="PTX compute_100") in lines
    # Between two that it knows, the lower one.
    lines = run(program, "launch 0 0", CAPABILITY="8.9")
    assert compiled(0, "--gpu-architecture=compute_80") in lines


def test_an_older_chip_than_the_compiler_knows_is_refused_in_words(program: Path) -> None:
    line = run(program, "launch 0 0", CAPABILITY="6.1")[-1]
    assert line.startswith("refused: NVRTC 13.7 makes no code for a chip as old as sm_61; ")
    assert "OPPARITY_FORBID=native" in line


def test_launches_overlap_where_the_chip_can_and_the_user_lets_them(program: Path) -> None:
    assert launched(architecture="sm_80", overlaps=False) in run(
        program, "launch 0 0", CAPABILITY="8.0"
    )
    assert launched(overlaps=False) in run(program, "launch 0 0", OPPARITY_OVERLAP="0")
    assert launched() in run(program, "launch 0 0", OPPARITY_OVERLAP="1")
    lines = run(program, "launch 0 0", OPPARITY_OVERLAP="yes")
    assert any("OPPARITY_OVERLAP is 'yes'; allowed: 1, so that" in line for line in lines)
    assert not any(line.startswith("cuLaunch") for line in lines)


def test_memory_is_cleared_on_the_stream_of_its_device(program: Path) -> None:
    assert run(program, "clear 1")[-3:] == [
        "cuCtxPushCurrent_v2 second",
        "cuMemsetD8Async 4096 byte 0 count 512 stream 9 in second",
        "cuCtxPopCurrent_v2 ",
    ]


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        ("cuInit", "100", "cuInit: some other error (CUDA error 100)"),
        ("cuDeviceGet", "101", "cuDeviceGet 0: some other error (CUDA error 101)"),
        ("cuDeviceGetAttribute", "101", "cuDeviceGetAttribute: some other error"),
        ("cuDevicePrimaryCtxRetain", "2", "cuDevicePrimaryCtxRetain: some other error"),
        ("nvrtcCreateProgram", "1", "creating a program: OTHER"),
        ("nvrtcCompileProgram", "6", "NVRTC 13.7 does not compile kernel 0 for sm_90: COMPILATION"),
        ("cuModuleLoadData", "209", "no kernel image is available for execution on the device"),
        ("cuModuleGetFunction", "500", "finding opparity_kernel: some other error"),
        (
            "cuLaunchKernelEx",
            "1",
            "launching kernel 0: cuLaunchKernelEx: some other error (CUDA error 1)",
        ),
    ],
)
def test_a_failure_says_which_call_and_its_own_words_and_leaves_the_thread_as_it_was(
    program: Path, function: str, error: str, words: str
) -> None:
    lines = run(program, "launch 0 0", **{function: error})
    [refusal] = [line for line in lines if line.startswith("refused: ")]
    assert words in refusal
    pushes = sum(line.startswith("cuCtxPushCurrent_v2") for line in lines)
    assert pushes == sum(line.startswith("cuCtxPopCurrent_v2") for line in lines)
    modes = [line for line in lines if line.startswith("cuThreadExchange")]
    assert modes == [
        "cuThreadExchangeStreamCaptureMode 2",
        "cuThreadExchangeStreamCaptureMode 0",
    ] * (len(modes) // 2)
    programs = sum(line.startswith("nvrtcCreateProgram") for line in lines)
    made = programs if function != "nvrtcCreateProgram" else 0
    assert sum(line.startswith("nvrtcDestroyProgram") for line in lines) == made


def test_after_a_failure_the_next_launch_tries_again(program: Path) -> None:
    lines = run(program, "launch 0 0 launch 0 0", nvrtcCompileProgram="6")
    assert lines.count(compiled()) == 2
    # What was compiled is kept although it did not load.
    lines = run(program, "launch 0 0 launch 0 0", cuModuleLoadData="209")
    assert lines.count("cuModuleLoadData sm_90 KEY=0 in first") == 2
    assert lines.count(compiled()) == 1


def test_a_long_log_is_cut_and_says_so(program: Path) -> None:
    log = "\n".join(f"error {number}" for number in range(40))
    lines = run(program, "launch 0 0", nvrtcCompileProgram="6", STAND_IN_LOG=log)
    start = lines.index("error 0")
    assert lines[start : start + 12] == [f"error {number}" for number in range(12)]
    assert lines[start + 12] == "(and more)"
    assert "OPPARITY_FORBID=native lets the reference serve" in lines[start + 13]


def test_no_driver_and_an_old_one_are_told_apart(program: Path) -> None:
    [line] = run(program, "launch 0 0", "only_the_compiler")
    assert "the CUDA driver does not load: libcuda.so.1" in line
    assert "install or update it, until nvidia-smi lists the GPU" in line
    [line] = run(program, "launch 0 0", "old_driver")
    assert "there is no cuLaunchKernelEx: NVIDIA's driver for CUDA 12 or newer is needed" in line


def test_no_compiler_and_an_old_one_are_told_apart_and_what_was_tried_is_said(
    program: Path,
) -> None:
    line = run(program, "launch 0 0", "only_the_driver")[-1]
    assert line.startswith("refused: NVRTC does not load: libnvrtc.so.13: cannot open shared")
    assert "; libnvrtc.so.12: cannot open shared object file" in line
    assert "install nvidia-cuda-nvrtc (CUDA 13) or nvidia-cuda-nvrtc-cu12" in line
    assert "OPPARITY_FORBID=native" in line
    line = run(program, "launch 0 0", "old_compiler")[-1]
    assert "there is no nvrtcGetCUBINSize: NVRTC of CUDA 12 or newer is needed" in line


def test_the_compiler_that_torch_brings_is_taken_before_one_on_the_path(
    program: Path, tmp_path: Path
) -> None:
    torch = tmp_path / "torch" / "lib" / "libtorch_cpu.so"
    compile_library(torch, f"-Wl,-soname,{torch.name}", HERE / "stand_in_sources.cpp")
    # torch's own is not linked against another, so that it is itself the one.
    for place, flags in (
        ("nvidia/cu13/lib/libnvrtc.so.13", ["-DVERSION=21"]),
        ("torch/lib/libcaffe2_nvrtc.so", ["-DVERSION=22"]),
    ):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        compile_library(tmp_path / place, "-DNVRTC", *flags, HERE / "stand_in_compiler.cpp")
        version = flags[0].partition("=")[2]
        line = run(program, "launch 0 0", nvrtcCompileProgram="6", LD_PRELOAD=str(torch))
        assert any(f"NVRTC {version}.7 does not compile" in words for words in line)


def test_a_device_number_out_of_range_is_refused(program: Path) -> None:
    for number in ("-1", "64"):
        [line] = run(program, f"launch {number} 0")
        assert f"device {number} is not one of the first 64" in line


def test_a_child_forked_after_a_launch_is_refused_and_its_parent_goes_on(program: Path) -> None:
    lines = run(program, "launch 0 0 fork launch 0 0 facts 0 clear 0")
    child, parent = lines.index("child"), lines.index("parent, child ended with 0")
    assert launched() in lines[:child]
    refusals = lines[child + 1 : parent]
    assert len(refusals) == 3
    for refusal in refusals:
        assert "this process was forked from one that had used a GPU" in refusal
        assert "'spawn'" in refusal
    assert launched() in lines[parent:]


def test_a_child_forked_before_the_first_launch_compiles_for_itself(program: Path) -> None:
    lines = run(program, "fork launch 0 0")
    parent = lines.index("parent, child ended with 0")
    assert launched() in lines[:parent]
    assert launched() in lines[parent:]
    assert lines.count(compiled()) == 2
