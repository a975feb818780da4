"""Installations that are broken on purpose, made of links to the one that the tests run with."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

import opparity
from native_programs import HERE as STAND_INS
from native_programs import compile_library
from opparity.operators import library_record, native_library
from opparity.operators.shared_library import SharedLibrary

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
PACKAGES = Path(torch.__file__).parents[1]
NVRTC, HIPRTC = "libnvrtc.so.13", "libhiprtc.so"
CUDA_DRIVER, HIP_RUNTIME = "libcuda.so.1", "libamdhip64.so"
# prctl(2): root may read and write every file unless these are taken away.
_DROP, _WRITE_ANY, _READ_ANY = 24, 1, 2


@dataclass(frozen=True, slots=True)
class Broken:
    """How a process is started in a broken installation.

    Attributes:
        package: the folder that `opparity` is imported from.
        packages: where all others are.
        before: folders that come before these two on Python's path.
        prelude: Python that runs first.
        environment: of the process.
        file_size: the most that it may write to a file; None for any number.
    """

    package: Path
    packages: Path = PACKAGES
    before: tuple[Path, ...] = ()
    prelude: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    file_size: int | None = None

    def run(self, *steps: str) -> dict[str, Any]:
        """Take the probe's steps in a fresh process and return what they showed."""
        probe = f"runpy.run_path({str(HERE / 'probe.py')!r}, run_name='__main__')"
        script = f"{self.prelude}\nimport runpy\n{probe}"
        path = (*self.before, self.package, self.packages, HERE.parent)
        ended = subprocess.run(
            # -S: an editable installation would be found before any path.
            [sys.executable, "-S", "-c", script, *steps],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(map(str, path)),
                "PYTHONDONTWRITEBYTECODE": "1",
                "OMP_NUM_THREADS": "1",
                # No word is broken in two.
                "COLUMNS": "1000",
                **self.environment,
            },
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=self._limit,
        )
        assert ended.returncode == 0, f"it ended with {ended.returncode}: {ended.stderr}"
        found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
        found["stderr"] = ended.stderr
        return found

    def _limit(self) -> None:
        for power in (_WRITE_ANY, _READ_ANY):
            ctypes.CDLL(None).prctl(_DROP, power, 0, 0, 0)
        if self.file_size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.file_size, self.file_size))


@dataclass(frozen=True)
class Workshop:
    """Makes the parts of broken installations, in a folder of its own."""

    folder: Path

    def new(self) -> Path:
        """Return a new folder."""
        made = self.folder / str(len(list(self.folder.iterdir())))
        made.mkdir()
        return made

    @cached_property
    def library(self) -> bytes:
        """The native library as it was built."""
        file = native_library.path()
        assert file is not None
        return file.read_bytes()

    @cached_property
    def record(self) -> library_record.Record:
        """What the build says of it; made here where the build is of before there were records."""
        return library_record.make(SharedLibrary(self.library))

    def package(
        self, library: bytes | None, record: library_record.Record | bool | None = True
    ) -> Path:
        """Return a folder with `opparity`, and a library and record that may be others."""
        folder = self.new()
        inner = folder / "opparity"
        inner.mkdir()
        own = {native_library.FILE_NAME, library_record.FILE_NAME, "__pycache__"}
        for path in Path(opparity.__file__).parent.iterdir():
            if path.name not in own:
                (inner / path.name).symlink_to(path)
        if library is not None:
            (inner / native_library.FILE_NAME).write_bytes(library)
        written = self.record if record is True else record
        if isinstance(written, library_record.Record):
            library_record.write(written, inner)
        return folder

    @cached_property
    def whole(self) -> Path:
        """A package that nothing is wrong with."""
        return self.package(self.library)

    def packages(self, *without: str) -> Path:
        """Return a folder with every other package, less some."""
        folder = self.new()
        left_out = (*without, "opparity", "_editable_skbc_opparity")
        for path in PACKAGES.iterdir():
            if path.name.partition("-")[0].partition(".")[0] not in left_out:
                (folder / path.name).symlink_to(path)
        return folder

    def module(self, name: str, text: str) -> Path:
        """Return a folder with a module of a name and a text."""
        folder = self.new()
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(text, "utf-8")
        return folder

    @cached_property
    def without(self) -> Path:
        """What keeps threads, processes and /proc away (without.cpp)."""
        return compile_library(self.folder / "without.so", HERE / "without.cpp")

    def stand_in(self, file: str, *flags: str) -> Path:
        """Return a stand-in for a library of a GPU's (tests/native), compiled once a flag."""
        source, options = {
            CUDA_DRIVER: ("stand_in_driver.cpp", ()),
            HIP_RUNTIME: ("stand_in_hip.cpp", (f"-Wl,-soname,{HIP_RUNTIME}",)),
            NVRTC: ("stand_in_compiler.cpp", ("-DNVRTC", f"-Wl,-soname,{NVRTC}")),
            HIPRTC: ("stand_in_compiler.cpp", ()),
            "libtorch_cuda.so": ("stand_in_torch.cpp", ("-Wl,-soname,libtorch_cuda.so",)),
            "libtorch_hip.so": ("stand_in_torch.cpp", ("-Wl,-soname,libtorch_hip.so",)),
            "libtorch_cpu.so.elsewhere": ("stand_in_torch.cpp", ()),
        }[file]
        target = self.folder / "-".join(("stand-ins", *flags)) / file
        return (
            target
            if target.exists()
            else compile_library(target, *options, *flags, STAND_INS / source)
        )

    def gpu(self, platform: str, *libraries: Path, **environment: str) -> Broken:
        """Return an installation with a GPU that is pretended, and its driver and compiler."""
        folder = self.new()
        torchs = {"cuda": "libtorch_cuda.so", "rocm": "libtorch_hip.so"}[platform]
        for library in (self.stand_in(torchs), *libraries):
            (folder / library.name).symlink_to(library)
        # NVRTC is looked for beside torch, where the tests have a real one: torch seems to be where
        # nothing else is.
        elsewhere = self.stand_in("libtorch_cpu.so.elsewhere")
        found = {"LD_LIBRARY_PATH": str(folder), "LD_PRELOAD": str(elsewhere), **environment}
        prelude = f"import pretended_gpu\npretended_gpu.pretend({platform!r})"
        return Broken(self.whole, prelude=prelude, environment=found)

    def in_place_of(self, change: Callable[[bytearray], None]) -> bytes:
        """Return the library's bytes with a change."""
        data = bytearray(self.library)
        change(data)
        return bytes(data)
