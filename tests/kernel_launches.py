"""What a call launches, and launches on the host: launches.cpp, by ctypes."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from native_programs import GPU, HERE, compile_library, write_tables

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Launch:
    """A grid of blocks, and the bytes of the kernel's one parameter."""

    x: int
    y: int
    threads: int
    arguments: bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """Which kernel serves a call, and how it is launched."""

    key: int
    defines: tuple[str, ...]
    launches: tuple[Launch, ...]


class Launcher:
    """The launches of calls as text."""

    def __init__(self, folder: Path) -> None:
        """Compile the library into a folder, and the tables' header beside it."""
        self.folder = write_tables(folder)
        library = compile_library(
            folder / "liblaunches.so",
            f"-I{folder}",
            HERE / "launches.cpp",
            HERE / "host_grid.cpp",
            GPU / "variant.cpp",
        )
        # Kernels find the grid's functions in it.
        self._library = ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
        for name in ("describe_call", "argument_layout", "run_on_host"):
            getattr(self._library, name).restype = ctypes.c_char_p

    def plan(self, text: str) -> Plan:
        """Return what a call launches."""
        lines = [
            line.split(" ") for line in self._call("describe_call", text.encode()).splitlines()
        ]
        if lines[0][0] == "error":
            raise ValueError(" ".join(lines[0]))
        return Plan(
            key=int(lines[0][1]),
            defines=tuple(words[1] for words in lines if words[0] == "define"),
            launches=tuple(_launch(words) for words in lines if words[0] == "launch"),
        )

    @property
    def argument_bytes(self) -> int:
        """The size of the kernel's one parameter."""
        return int(self._library.argument_bytes())

    def argument_layout(self) -> str:
        """Return C++ that says where each argument lies on the host."""
        return self._call("argument_layout")

    def compile(self, plan: Plan) -> Callable[[Launch], None]:
        """Compile the kernel of a plan, and return what runs a launch of it.

        That raises RuntimeError where the kernel does what no GPU's may.
        """
        return self.compile_for_host(plan)

    def compile_for_host(
        self, plan: Plan, source: Path = HERE / "host_kernel.cpp"
    ) -> Callable[[Launch], None]:
        """Compile it for the host, from a source of the tests."""
        path = compile_library(
            self.folder / f"{source.stem}_{plan.key}.so",
            "-ffp-contract=off",
            "-Wno-unknown-pragmas",
            f"-I{self.folder}",
            *(f"-D{define}" for define in plan.defines),
            source,
        )
        return partial(self._run_on_host, ctypes.CDLL(str(path)))

    def _run_on_host(self, kernel: ctypes.CDLL, launch: Launch) -> None:
        address = ctypes.cast(kernel.opparity_kernel, ctypes.c_void_p)
        mistake = self._call(
            "run_on_host", address, launch.x, launch.y, launch.threads, launch.arguments
        )
        if mistake:
            raise RuntimeError(mistake)

    def _call(self, name: str, *arguments: object) -> str:
        answer: bytes = getattr(self._library, name)(*arguments)
        return answer.decode()


def _launch(words: list[str]) -> Launch:
    x, y, threads = map(int, words[1:4])
    return Launch(x, y, threads, bytes.fromhex(words[4]))
