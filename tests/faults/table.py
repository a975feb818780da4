"""Every fault of docs/faults.md: how it is made, who serves then, and who tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from faults import breaking

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.workshop import Broken, Workshop

CALL = ("call", "doctor")
GPU = ("call", "gpu", "doctor")
# What the third column of the page begins with, by who serves a call on the CPU.
WORKS = {
    "native": "Everything",
    "reference": "The reference",
    "nobody": "The checker",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the page.

    Attributes:
        name: its first column.
        make: makes the installation.
        served: who serves a call on the CPU: native, reference or nobody.
        steps: that the probe takes.
        in_doctor: whether doctor lists it among what is wrong.
    """

    name: str
    make: Callable[[Workshop], Broken]
    served: str = "native"
    steps: tuple[str, ...] = CALL
    in_doctor: bool = True


_CHECK = (*CALL, f"check {breaking.TREE}")
FAULTS = (
    # The native library.
    Fault("it is missing, or was never built", breaking.library_missing, "reference"),
    Fault("it is empty", breaking.library_empty, "reference"),
    Fault("it is cut short", breaking.library_cut_short, "reference"),
    Fault("it is damaged inside", breaking.library_damaged, "reference"),
    Fault("another library is in its place", breaking.library_foreign, "reference"),
    Fault("the same, and there is no record", breaking.library_foreign_unrecorded, "reference"),
    Fault("another file is in its place", breaking.library_is_text, "reference"),
    Fault("it is for another processor", breaking.library_for_another_machine, "reference"),
    Fault("it may not be read", breaking.library_not_readable, "reference"),
    Fault("it was built from other sources", breaking.library_of_other_sources, "reference"),
    Fault("its record is damaged", breaking.record_damaged, "reference"),
    Fault("it lacks a symbol of this torch", breaking.library_lacks_symbol, "reference"),
    # Copies.
    Fault("another copy's library is loaded", breaking.other_library_loaded, "nobody", _CHECK),
    Fault("another copy's operators are defined", breaking.names_taken, "nobody", _CHECK),
    Fault("two copies are on Python's path", breaking.two_copies),
    Fault("another version is said to be installed", breaking.other_metadata),
    Fault("an installation was interrupted", breaking.interrupted_metadata),
    Fault(
        "a folder on Python's path may not be entered",
        breaking.closed_folder,
        steps=_CHECK,
        in_doctor=False,
    ),
    # torch and numpy.
    Fault("torch is absent", breaking.torch_absent, "nobody", _CHECK),
    Fault("a folder is left of torch", breaking.torch_left_over, "nobody", _CHECK),
    Fault("torch raises ImportError", breaking.torch_import_error, "nobody", _CHECK),
    Fault("torch raises OSError", breaking.torch_os_error, "nobody", _CHECK),
    Fault("torch is older than 2.11", breaking.torch_old, "reference"),
    Fault(
        "torch is newer than what was tried",
        breaking.torch_new,
        steps=("call", "modules", "doctor"),
        in_doctor=False,
    ),
    Fault("torch lacks a private name", breaking.torch_without_a_name, "nobody", _CHECK),
    Fault(
        "numpy is absent",
        breaking.numpy_absent,
        steps=("call", "verify", "doctor"),
        in_doctor=False,
    ),
    Fault("numpy is broken", breaking.numpy_broken, "nobody", _CHECK),
    # GPUs.
    Fault("NVRTC is absent", breaking.nvrtc_absent, steps=GPU),
    Fault("NVRTC does not load", breaking.nvrtc_not_loading, steps=GPU),
    Fault("NVRTC is too old", breaking.nvrtc_old, steps=GPU),
    Fault(
        "NVRTC does not know the chip", breaking.nvrtc_without_the_chip, steps=GPU, in_doctor=False
    ),
    Fault("NVRTC does not compile a kernel", breaking.nvrtc_failing, steps=GPU, in_doctor=False),
    Fault("HIPRTC is absent", breaking.hiprtc_absent, steps=GPU),
    Fault("HIPRTC does not load", breaking.hiprtc_not_loading, steps=GPU),
    Fault("HIPRTC is too old", breaking.hiprtc_old, steps=GPU),
    Fault("HIPRTC does not compile a kernel", breaking.hiprtc_failing, steps=GPU, in_doctor=False),
    Fault("NVIDIA's driver is absent", breaking.cuda_driver_absent, steps=GPU, in_doctor=False),
    Fault("NVIDIA's driver is too old", breaking.cuda_driver_old, steps=GPU, in_doctor=False),
    Fault("NVIDIA's driver fails", breaking.cuda_driver_failing, steps=GPU, in_doctor=False),
    Fault("HIP's runtime is too old", breaking.hip_runtime_old, steps=GPU, in_doctor=False),
    Fault("HIP's runtime fails", breaking.hip_runtime_failing, steps=GPU, in_doctor=False),
    Fault("torch finds no driver", breaking.torch_without_driver, in_doctor=False),
    # The process.
    Fault("nothing can be written", breaking.nothing_writable, steps=_CHECK, in_doctor=False),
    Fault(
        "a report cannot be written",
        breaking.nothing_writable,
        steps=(*CALL, f"check {breaking.TREE} --output-file {breaking.REPORT}"),
        in_doctor=False,
    ),
    Fault("the locale is C", breaking.c_locale, steps=_CHECK, in_doctor=False),
    Fault("there is no /proc", breaking.no_proc, steps=_CHECK, in_doctor=False),
    Fault("no thread can be started", breaking.no_threads, steps=_CHECK),
    Fault(
        "no process can be started",
        breaking.no_processes,
        steps=_CHECK,
        in_doctor=False,
    ),
)
