"""Launches of the kernels that clang makes for an AMD chip, in tinygrad's emulator."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from amd_emulator import Emulator, load
from amd_kernels import CHIPS, Compiler
from kernel_launches import Launcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amd_emulator import Program
    from kernel_launches import Launch, Plan


class EmulatedLauncher(Launcher):
    """Plans calls as the host's launcher does, and runs them on a chip of CHIPS."""

    def __init__(self, folder: Path, chip: str, tinygrad: Path) -> None:
        """Prepare to compile in a folder; `tinygrad` is a clone."""
        super().__init__(folder / "launches")
        (self._chip,) = (each for each in CHIPS if each.name == chip)
        self._compiler = Compiler(folder / "sources", self.folder)
        self._code_object = folder / "kernel.hsaco"
        self.emulator = Emulator(tinygrad, self._chip, folder)
        # Kept, since tinygrad remembers instructions by their addresses.
        self._programs: list[Program] = []

    def compile(self, plan: Plan) -> Callable[[Launch], None]:
        """Compile it by clang for the chip."""
        assembly = self._compiler.assembly(self._chip, plan.defines)
        program = load(self._compiler.code_object(self._chip, assembly, self._code_object))
        self._programs.append(program)
        return partial(self.emulator.run, program)
