"""The GPU launcher against a stand-in for CUDA's driver that records calls: no GPU is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from native_programs import HERE, LAUNCHER, compile_cpp, compile_library, run_with

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("launcher")
    (folder / "object.fatbin").write_bytes(b"CODE and more")
    (folder / "empty").mkdir()
    for name, flags in (("driver", []), ("old_driver", ["-DWITHOUT_LAUNCH"])):
        compile_library(folder / name / "libcuda.so.1", *flags, HERE / "stand_in_driver.cpp")
    return compile_cpp(folder / "launch", HERE / "launch_program.cpp", *LAUNCHER)


def run(
    program: Path, *words: str, driver: str = "driver", file: str = "object", **failures: str
) -> list[str]:
    folder = program.parent
    return run_with(folder / driver, program, "cuda", folder / file, *words, **failures)


PLAIN_LAUNCH = "cuLaunchKernelEx 7x3x1 of 128 shared 16 stream 9 argument 42"
LAUNCH = f"{PLAIN_LAUNCH} attribute 6=1"


def test_the_first_launch_loads_the_module_in_the_devices_own_context(program: Path) -> None:
    assert run(program, "launch", "0", "1") == [
        "cuInit ",
        "cuDeviceGet 0",
        "cuDeviceGetAttribute 16",
        "cuDeviceGetAttribute 39",
        "cuDeviceGetAttribute 75",
        "cuDevicePrimaryCtxRetain 0",
        "cuThreadExchangeStreamCaptureMode 2",
        "cuCtxPushCurrent_v2 first",
        "cuModuleLoadData CODE",
        "cuCtxPopCurrent_v2 ",
        "cuThreadExchangeStreamCaptureMode 0",
        "cuCtxPushCurrent_v2 first",
        "cuThreadExchangeStreamCaptureMode 2",
        "cuModuleGetFunction second_kernel",
        "cuThreadExchangeStreamCaptureMode 0",
        LAUNCH,
        "cuCtxPopCurrent_v2 ",
    ]


def test_later_launches_only_launch(program: Path) -> None:
    lines = run(program, "launch", "0", "1", "launch", "0", "1")
    assert lines[17:] == ["cuCtxPushCurrent_v2 first", LAUNCH, "cuCtxPopCurrent_v2 "]


def test_chips_before_hopper_are_not_asked_to_overlap_launches(program: Path) -> None:
    lines = run(program, "launch", "0", "1", CAPABILITY_MAJOR="8")
    assert PLAIN_LAUNCH in lines
    assert LAUNCH not in lines


def test_another_kernel_and_another_device_load_what_they_need(program: Path) -> None:
    lines = run(program, *["launch", "0", "0", "launch", "0", "1", "launch", "1", "0"])
    assert lines.count("cuModuleLoadData CODE") == 2
    assert lines.count("cuModuleGetFunction first_kernel") == 2
    assert lines.count("cuModuleGetFunction second_kernel") == 1
    assert "cuCtxPushCurrent_v2 second" in lines


def test_eight_threads_that_start_at_once_load_the_module_once(program: Path) -> None:
    lines = run(program, "threads")
    assert lines.count("cuModuleLoadData CODE") == 1
    assert lines.count(LAUNCH) == 8


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        ("cuInit", "100", "cuInit: some other error (CUDA error 100)"),
        ("cuDeviceGet", "101", "cuDeviceGet 0: some other error (CUDA error 101)"),
        ("cuDeviceGetAttribute", "101", "cuDeviceGetAttribute: some other error"),
        ("cuDevicePrimaryCtxRetain", "2", "cuDevicePrimaryCtxRetain: some other error"),
        ("cuModuleLoadData", "209", "no kernel image is available for execution on the device"),
        ("cuModuleGetFunction", "500", "finding first_kernel: some other error"),
        ("cuLaunchKernelEx", "1", "launching first_kernel: some other error (CUDA error 1)"),
    ],
)
def test_a_failure_says_which_call_and_the_drivers_words_and_leaves_the_thread_as_it_was(
    program: Path, function: str, error: str, words: str
) -> None:
    lines = run(program, "launch", "0", "0", **{function: error})
    assert lines[-1].startswith("refused: ")
    assert words in lines[-1]
    pushes = sum(line.startswith("cuCtxPushCurrent_v2") for line in lines)
    assert pushes == sum(line.startswith("cuCtxPopCurrent_v2") for line in lines)
    modes = [line for line in lines if line.startswith("cuThreadExchange")]
    assert modes == [
        "cuThreadExchangeStreamCaptureMode 2",
        "cuThreadExchangeStreamCaptureMode 0",
    ] * (len(modes) // 2)


def test_after_a_failed_load_the_next_launch_tries_again(program: Path) -> None:
    lines = run(program, *["launch", "0", "0", "launch", "0", "0"], cuModuleLoadData="209")
    assert sum(line.startswith("refused: ") for line in lines) == 2
    assert lines.count("cuModuleLoadData CODE") == 2


def test_no_driver_an_old_driver_and_no_code_object_are_told_apart(program: Path) -> None:
    [line] = run(program, "launch", "0", "0", driver="empty")
    assert "the CUDA driver does not load: libcuda.so.1" in line
    [line] = run(program, "launch", "0", "0", driver="old_driver")
    assert "a driver of CUDA 12 or newer is needed: there is no cuLaunchKernelEx" in line
    line = run(program, "launch", "0", "0", file="missing")[-1]
    assert (
        "missing.fatbin cannot be read: this architecture has none, or the installation is broken"
        in line
    )


def test_a_device_number_out_of_range_is_refused(program: Path) -> None:
    for number in ("-1", "64"):
        [line] = run(program, "launch", number, "0")
        assert f"device {number} is not one of the first 64" in line


def test_a_child_forked_after_a_launch_is_refused_and_its_parent_goes_on(program: Path) -> None:
    lines = run(program, *["launch", "0", "0", "fork", "launch", "0", "0"])
    child, parent = lines.index("child"), lines.index("parent")
    assert LAUNCH in lines[:child]
    [refusal] = lines[child + 1 : parent]
    assert "this process was forked from one that had used a GPU" in refusal
    assert "'spawn'" in refusal
    assert LAUNCH in lines[parent:]


def test_a_child_forked_before_the_first_launch_loads_for_itself(program: Path) -> None:
    lines = run(program, *["fork", "launch", "0", "0"])
    parent = lines.index("parent")
    assert LAUNCH in lines[:parent]
    assert LAUNCH in lines[parent:]
    assert lines.count("cuModuleLoadData CODE") == 2
