"""The GPU launcher against a stand-in for HIP's runtime that records calls: no GPU is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from native_programs import HERE, LAUNCHER, compile_cpp, compile_library, run_with

if TYPE_CHECKING:
    from pathlib import Path

STAND_IN = HERE / "stand_in_hip.cpp"
LIBRARY = "libamdhip64.so"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("launcher")
    (folder / "object.gfx942.hsaco").write_bytes(b"CDNA and more")
    (folder / "object.gfx1100.hsaco").write_bytes(b"RDNA and more")
    (folder / "empty").mkdir()
    compile_library(folder / "driver" / LIBRARY, f"-Wl,-soname,{LIBRARY}", STAND_IN)
    compile_library(folder / "rocm_6" / f"{LIBRARY}.6", STAND_IN)
    compile_library(folder / "rocm_7" / f"{LIBRARY}.7", STAND_IN)
    compile_library(folder / "old_driver" / LIBRARY, "-DWITHOUT_LAUNCH", STAND_IN)
    return compile_cpp(folder / "launch", HERE / "launch_program.cpp", *LAUNCHER)


def run(
    program: Path, words: str, driver: str = "driver", file: str = "object", **environment: str
) -> list[str]:
    folder = program.parent
    return run_with(folder / driver, program, "hip", folder / file, *words.split(), **environment)


def launched(kernel: str = "first_kernel", device: int = 0, image: str = "CDNA") -> str:
    return (
        f"hipModuleLaunchKernel {kernel} on {device} image {image} 7x3x1 of 128x1x1 shared 16 "
        "stream 9 arguments 2a000000"
    )


def test_the_first_launch_loads_the_file_of_the_devices_architecture(program: Path) -> None:
    assert run(program, "launch 0 1") == [
        "hipInit ",
        "hipGetDevicePropertiesR0600 0",
        "hipThreadExchangeStreamCaptureMode 2",
        "hipModuleLoadData CDNA on 0",
        "hipThreadExchangeStreamCaptureMode 0",
        "hipThreadExchangeStreamCaptureMode 2",
        "hipModuleGetFunction second_kernel",
        "hipThreadExchangeStreamCaptureMode 0",
        launched("second_kernel"),
    ]


def test_later_launches_only_launch(program: Path) -> None:
    assert run(program, "launch 0 1 launch 0 1")[9:] == [launched("second_kernel")]


def test_on_another_device_the_launch_makes_it_current_and_the_caller_keeps_its_own(
    program: Path,
) -> None:
    lines = run(program, "launch 0 0 launch 1 0 launch 0 0 launch 1 0")
    assert [line for line in lines if line.startswith("hipModuleL")] == [
        "hipModuleLoadData CDNA on 0",
        launched(),
        "hipModuleLoadData RDNA on 1",
        launched(device=1, image="RDNA"),
        # The image is still there, which HIP's runtime needs.
        launched(),
        launched(device=1, image="RDNA"),
    ]
    switches = [line for line in lines if line.startswith("hipSetDevice")]
    assert switches == ["hipSetDevice 1", "hipSetDevice 0"] * 3


def test_eight_threads_that_start_at_once_load_the_module_once(program: Path) -> None:
    lines = run(program, "threads")
    assert lines.count("hipModuleLoadData CDNA on 0") == 1
    assert lines.count(launched()) == 8


def test_a_first_launch_inside_a_capture_loads_in_the_relaxed_mode(program: Path) -> None:
    lines = run(program, "launch 0 0", STAND_IN_CAPTURES="1")
    assert "hipModuleLoadData CDNA on 0" in lines
    assert lines[-1] == launched()


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        ("hipInit", "100", "hipInit: some other error (HIP error 100, hipErrorOther)"),
        ("hipGetDevicePropertiesR0600", "101", "hipGetDeviceProperties 1: some other error"),
        ("hipSetDevice", "101", "hipSetDevice: some other error"),
        (
            "hipModuleLoadData",
            "209",
            "serves instead): no kernel image is available for execution on the device",
        ),
        ("hipModuleGetFunction", "500", "finding first_kernel: some other error (HIP error 500"),
        ("hipModuleLaunchKernel", "1", "launching first_kernel: some other error (HIP error 1,"),
    ],
)
def test_a_failure_says_which_call_and_the_runtimes_words_and_leaves_the_thread_as_it_was(
    program: Path, function: str, error: str, words: str
) -> None:
    lines = run(program, "launch 1 0", **{function: error})
    assert lines[-1].startswith("refused: ")
    assert words in lines[-1]
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
    assert lines.count("hipModuleLoadData CDNA on 0") == 2


def test_an_architecture_without_a_code_object_is_named(program: Path) -> None:
    line = run(program, "launch 0 0", STAND_IN_ARCHITECTURES="gfx1030")[-1]
    assert "object.gfx1030.hsaco cannot be read: this architecture has none" in line
    assert "OPPARITY_FORBID=native" in line


def test_a_device_that_does_not_exist_is_refused_in_the_runtimes_words(program: Path) -> None:
    line = run(program, "launch 2 0")[-1]
    assert line == (
        "refused: hipGetDeviceProperties 2: some other error (HIP error 101, hipErrorOther)"
    )


@pytest.mark.parametrize("driver", ["rocm_6", "rocm_7"])
def test_the_runtime_is_found_under_its_versioned_names(program: Path, driver: str) -> None:
    assert run(program, "launch 0 0", driver)[-1] == launched()


def test_the_runtime_that_is_loaded_already_is_taken_before_one_on_the_path(program: Path) -> None:
    # torch for ROCm brings its own, in a folder that the linker does not search.
    own = program.parent / "driver" / LIBRARY
    assert run(program, "launch 0 0", "old_driver", LD_PRELOAD=str(own))[-1] == launched()


def test_no_runtime_and_an_old_one_are_told_apart(program: Path) -> None:
    [line] = run(program, "launch 0 0", "empty")
    assert "HIP's runtime does not load: libamdhip64.so" in line
    [line] = run(program, "launch 0 0", "old_driver")
    assert "HIP's runtime of ROCm 6 or newer is needed: there is no hipModuleLaunchKernel" in line


def test_a_child_forked_after_a_launch_is_refused_and_its_parent_goes_on(program: Path) -> None:
    lines = run(program, "launch 0 0 fork launch 0 0")
    child, parent = lines.index("child"), lines.index("parent")
    [refusal] = lines[child + 1 : parent]
    assert "this process was forked from one that had used a GPU" in refusal
    assert lines[parent:] == ["parent", launched()]
