"""Each fault of the table as a function that makes an installation that has it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from faults.workshop import CUDA_DRIVER, HIP_RUNTIME, HIPRTC, NVRTC, Broken, Workshop
from opparity.operators import library_record, native_library

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
TREE = ROOT / "tests" / "projects" / "vllm_38750_unguarded"
# Enough that processes would share its reading.
LARGE_TREE = ROOT / "src"
REPORT = "/dev/null/report.txt"


def _with_library(workshop: Workshop, change: Callable[[bytearray], None]) -> Broken:
    return Broken(workshop.package(workshop.in_place_of(change)))


def library_missing(workshop: Workshop) -> Broken:
    return Broken(workshop.package(None, None))


def library_empty(workshop: Workshop) -> Broken:
    return Broken(workshop.package(b""))


def library_cut_short(workshop: Workshop) -> Broken:
    return Broken(workshop.package(workshop.library[: len(workshop.library) // 2]))


def library_damaged(workshop: Workshop) -> Broken:
    # As a file has zeros where a disk was full, or a copy was interrupted.
    def change(data: bytearray) -> None:
        middle = len(data) // 2
        data[middle : middle + 4096] = bytes(4096)

    return _with_library(workshop, change)


def library_foreign(workshop: Workshop) -> Broken:
    return Broken(workshop.package(workshop.without.read_bytes()))


def library_foreign_unrecorded(workshop: Workshop) -> Broken:
    return Broken(workshop.package(workshop.without.read_bytes(), None))


def library_is_text(workshop: Workshop) -> Broken:
    # What a clone has without Git LFS.
    return Broken(workshop.package(b"version https://git-lfs.github.com/spec/v1\n" * 4))


def library_for_another_machine(workshop: Workshop) -> Broken:
    def change(data: bytearray) -> None:
        arm, x86 = 183, 62
        data[18] = x86 if data[18] == arm else arm

    return _with_library(workshop, change)


def library_not_readable(workshop: Workshop) -> Broken:
    package = workshop.package(workshop.library)
    (package / "opparity" / native_library.FILE_NAME).chmod(0)
    return Broken(package)


def library_of_other_sources(workshop: Workshop) -> Broken:
    other = replace(workshop.record, version="0.0.9", tables_sha256="0" * 64)
    return Broken(workshop.package(workshop.library, other))


def record_damaged(workshop: Workshop) -> Broken:
    # As where a disk was full, and the library is damaged too.
    def change(data: bytearray) -> None:
        data[len(data) // 2] ^= 1

    package = workshop.package(workshop.in_place_of(change))
    record = package / "opparity" / library_record.FILE_NAME
    record.write_bytes(record.read_bytes()[:600])
    return Broken(package)


def library_lacks_symbol(workshop: Workshop) -> Broken:
    # As where torch has dropped a function of its stable interface.
    def change(data: bytearray) -> None:
        wanted, other = b"\0aoti_torch_library_def\0", b"\0aoti_torch_library_dee\0"
        data[:] = data.replace(wanted, other)

    return _with_library(workshop, change)


def other_library_loaded(workshop: Workshop) -> Broken:
    other = workshop.package(workshop.library) / "opparity" / native_library.FILE_NAME
    return Broken(workshop.whole, prelude=f"import torch\ntorch.ops.load_library({str(other)!r})")


def names_taken(workshop: Workshop) -> Broken:
    prelude = (
        "import torch\nkeep = torch.library.Library('opparity', 'FRAGMENT')\n"
        "keep.define('silu_and_mul(Tensor input) -> Tensor')"
    )
    return Broken(workshop.whole, prelude=prelude)


def two_copies(workshop: Workshop) -> Broken:
    other = workshop.module("opparity", "__version__ = '0.0.9'")
    # The first comes from `package`, which is before it on the path.
    prelude = f"import sys\nsys.path.append({str(other)!r})"
    return Broken(workshop.whole, prelude=prelude)


def other_metadata(workshop: Workshop) -> Broken:
    folder = workshop.new()
    (folder / "opparity-0.0.9.dist-info").mkdir()
    text = "Metadata-Version: 2.1\nName: opparity\nVersion: 0.0.9\n"
    (folder / "opparity-0.0.9.dist-info" / "METADATA").write_text(text, "utf-8")
    return Broken(workshop.whole, before=(folder,))


def interrupted_metadata(workshop: Workshop) -> Broken:
    folder = workshop.new()
    (folder / "opparity-0.0.9.dist-info").mkdir()
    return Broken(workshop.whole, before=(folder,))


def closed_folder(workshop: Workshop) -> Broken:
    folder = workshop.new()
    folder.chmod(0)
    return Broken(workshop.whole, before=(folder,))


def torch_absent(workshop: Workshop) -> Broken:
    return Broken(workshop.whole, workshop.packages("torch", "functorch", "torchgen"))


def torch_left_over(workshop: Workshop) -> Broken:
    # What pip leaves where somebody has put files of their own.
    packages = workshop.packages("torch", "functorch", "torchgen")
    (packages / "torch" / "lib").mkdir(parents=True)
    return Broken(workshop.whole, packages)


def torch_import_error(workshop: Workshop) -> Broken:
    text = "raise ImportError('libcudart.so.13: cannot open shared object file')"
    return Broken(workshop.whole, before=(workshop.module("torch", text),))


def torch_os_error(workshop: Workshop) -> Broken:
    text = "raise OSError('libtorch_global_deps.so: cannot open shared object file')"
    return Broken(workshop.whole, before=(workshop.module("torch", text),))


def torch_old(workshop: Workshop) -> Broken:
    return Broken(workshop.whole, prelude="import torch\ntorch.__version__ = '2.10.0'")


def torch_new(workshop: Workshop) -> Broken:
    return Broken(workshop.whole, prelude="import torch\ntorch.__version__ = '2.99.0'")


def torch_without_a_name(workshop: Workshop) -> Broken:
    return Broken(workshop.whole, prelude="import torch\ndel torch._C._increment_version")


def numpy_absent(workshop: Workshop) -> Broken:
    return Broken(workshop.whole, workshop.packages("numpy"))


def numpy_broken(workshop: Workshop) -> Broken:
    text = "raise ImportError('numpy._core.multiarray failed to import')"
    return Broken(workshop.whole, before=(workshop.module("numpy", text),))


def nvrtc_absent(workshop: Workshop) -> Broken:
    return workshop.gpu("cuda", workshop.stand_in(CUDA_DRIVER))


def _not_a_library(workshop: Workshop, name: str) -> Path:
    path = workshop.new() / name
    path.write_bytes(b"not a library")
    return path


def nvrtc_not_loading(workshop: Workshop) -> Broken:
    broken = _not_a_library(workshop, NVRTC)
    return workshop.gpu("cuda", workshop.stand_in(CUDA_DRIVER), broken)


def nvrtc_old(workshop: Workshop) -> Broken:
    old = workshop.stand_in(NVRTC, "-DWITHOUT_CODE", "-DVERSION=11")
    return workshop.gpu("cuda", workshop.stand_in(CUDA_DRIVER), old)


def nvrtc_without_the_chip(workshop: Workshop) -> Broken:
    libraries = (workshop.stand_in(CUDA_DRIVER), workshop.stand_in(NVRTC))
    return workshop.gpu("cuda", *libraries, CAPABILITY="7.0", NVRTC_ARCHITECTURES="75 80 90")


def nvrtc_failing(workshop: Workshop) -> Broken:
    libraries = (workshop.stand_in(CUDA_DRIVER), workshop.stand_in(NVRTC))
    return workshop.gpu("cuda", *libraries, nvrtcCompileProgram="6", STAND_IN_LOG="no such thing")


def hiprtc_absent(workshop: Workshop) -> Broken:
    return workshop.gpu("rocm", workshop.stand_in(HIP_RUNTIME))


def hiprtc_not_loading(workshop: Workshop) -> Broken:
    broken = _not_a_library(workshop, HIPRTC)
    return workshop.gpu("rocm", workshop.stand_in(HIP_RUNTIME), broken)


def hiprtc_old(workshop: Workshop) -> Broken:
    old = workshop.stand_in(HIPRTC, "-DWITHOUT_CODE", "-DVERSION=5")
    return workshop.gpu("rocm", workshop.stand_in(HIP_RUNTIME), old)


def hiprtc_failing(workshop: Workshop) -> Broken:
    libraries = (workshop.stand_in(HIP_RUNTIME), workshop.stand_in(HIPRTC))
    return workshop.gpu("rocm", *libraries, hiprtcCompileProgram="6", STAND_IN_LOG="no such thing")


def cuda_driver_absent(workshop: Workshop) -> Broken:
    return workshop.gpu("cuda", workshop.stand_in(NVRTC))


def cuda_driver_old(workshop: Workshop) -> Broken:
    old = workshop.stand_in(CUDA_DRIVER, "-DWITHOUT_LAUNCH")
    return workshop.gpu("cuda", old, workshop.stand_in(NVRTC))


def cuda_driver_failing(workshop: Workshop) -> Broken:
    return workshop.gpu(
        "cuda", workshop.stand_in(CUDA_DRIVER), workshop.stand_in(NVRTC), cuInit="999"
    )


def hip_runtime_old(workshop: Workshop) -> Broken:
    old = workshop.stand_in(HIP_RUNTIME, "-DWITHOUT_LAUNCH")
    return workshop.gpu("rocm", old, workshop.stand_in(HIPRTC))


def hip_runtime_failing(workshop: Workshop) -> Broken:
    libraries = (workshop.stand_in(HIP_RUNTIME), workshop.stand_in(HIPRTC))
    return workshop.gpu("rocm", *libraries, hipInit="3")


def torch_without_driver(workshop: Workshop) -> Broken:
    # torch's own words for a build with CUDA.
    prelude = (
        "import torch\ntorch.version.cuda = '13.0'\n"
        "def init():\n    raise RuntimeError('Found no NVIDIA driver on your system.')\n"
        "torch.cuda.init = init"
    )
    return Broken(workshop.whole, prelude=prelude)


def nothing_writable(workshop: Workshop) -> Broken:
    nowhere = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), "/dev/null/nowhere")
    return Broken(workshop.whole, environment=nowhere, file_size=0)


def c_locale(workshop: Workshop) -> Broken:
    plain = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    return Broken(workshop.whole, environment=plain)


def no_proc(workshop: Workshop) -> Broken:
    return _without(workshop, "files of /proc")


def no_threads(workshop: Workshop) -> Broken:
    # As torch is on a machine of two cores; the call is too small for two threads.
    return _without(workshop, "threads", OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="1")


def no_processes(workshop: Workshop) -> Broken:
    return _without(workshop, "processes")


def _without(workshop: Workshop, what: str, **environment: str) -> Broken:
    found = {"WITHOUT": what, "LD_PRELOAD": str(workshop.without), **environment}
    return Broken(workshop.whole, environment=found)
