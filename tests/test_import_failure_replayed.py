"""The import failure of vLLM's silu_and_mul_per_block_quant on ROCm, built again with plain g++.

tests/extensions/vllm_style declares and registers two operators for every platform. The source of
the second is in CUDA's list of sources alone.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from shared_libraries import python, run

HERE = Path(__file__).parent
EXTENSION = HERE / "extensions" / "vllm_style"
TORCH = Path(torch.__file__).parent
KERNEL = "fused_silu_mul_block_quant.cpp"
# The sources of each platform, as its build lists them, and the macros that the build defines.
SOURCES = ("module.c", "torch_bindings.cpp", "activation_kernels.cpp")
UNDEFINED = re.compile(r"ImportError: .*: undefined symbol: \S*silu_and_mul_per_block_quant")

REPORT = """
import json, torch, _C
found = {name: hasattr(torch.ops._C, name) for name in
         ("silu_and_mul", "silu_and_mul_per_block_quant")}
print(json.dumps(found))
"""


@dataclass
class Workshop:
    """Builds the extension, each object once."""

    folder: Path
    objects: dict[tuple[str, str | None, tuple[str, ...]], Path] = field(default_factory=dict)

    def build(
        self,
        guard: str | None,
        *,
        macros: tuple[str, ...] = (),
        sources: tuple[str, ...] = SOURCES,
        link: tuple[str, ...] = (),
    ) -> Path:
        """Link the extension; its bindings keep the second operator behind `#ifndef guard`."""
        target = self.folder / f"build_{len(list(self.folder.iterdir()))}" / "_C.so"
        target.parent.mkdir()
        objects = [self.compiled(source, guard, macros) for source in sources]
        run("g++", "-shared", *objects, "-o", target, f"-L{TORCH / 'lib'}", "-ltorch_cpu", *link)
        return target

    def compiled(self, source: str, guard: str | None, macros: tuple[str, ...]) -> Path:
        """Compile one source with the guard in place of the repository's own."""
        key = (source, guard if source == "torch_bindings.cpp" else None, macros)
        if key not in self.objects:
            text = (EXTENSION / source).read_text("utf-8")
            if source == "torch_bindings.cpp":
                text = guarded(text, guard)
            copy = self.folder / f"{len(self.objects)}_{source}"
            copy.write_text(text, "utf-8")
            includes = (
                EXTENSION,
                TORCH / "include",
                TORCH / "include" / "torch" / "csrc" / "api" / "include",
            )
            run(
                *(("gcc",) if source.endswith(".c") else ("g++", "-std=c++20")),
                *("-O0", "-fPIC", "-DTORCH_TARGET_VERSION=0x020a000000000000"),
                *(f"-D{macro}" for macro in macros),
                *(f"-I{folder}" for folder in includes),
                *("-c", copy, "-o", copy.with_suffix(".o")),
            )
            self.objects[key] = copy.with_suffix(".o")
        return self.objects[key]


def guarded(bindings: str, guard: str | None) -> str:
    """Return the bindings with another macro in the guard, or without one."""
    lines = bindings.splitlines(keepends=True)
    assert lines.count("#ifndef USE_ROCM\n") == lines.count("#endif\n") == 2
    if guard is None:
        return "".join(line for line in lines if line not in {"#ifndef USE_ROCM\n", "#endif\n"})
    return bindings.replace("#ifndef USE_ROCM\n", f"#ifndef {guard}\n")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("extension"))


def test_where_the_kernel_is_built_both_operators_are_there(workshop: Workshop) -> None:
    library = workshop.build(None, sources=(*SOURCES, KERNEL))
    script = REPORT + (
        "out, scales = torch.empty(1, 4, dtype=torch.int8), torch.empty(1, 2)\n"
        "x = torch.tensor([[1.0, 2, 3, 4, 1, 1, 1, -1]])\n"
        "torch.ops._C.silu_and_mul_per_block_quant(out, x, scales, 2)\n"
        "print(out.tolist(), (scales * 127).tolist())\n"
    )
    completed = python(script, library.parent)
    assert completed.returncode == 0, completed.stderr
    found, computed = completed.stdout.splitlines()
    assert json.loads(found) == {"silu_and_mul": True, "silu_and_mul_per_block_quant": True}
    assert computed.startswith("[[53, 127, 92, -127]] [[1.7615")


@pytest.mark.parametrize(
    ("guard", "macros"),
    [
        pytest.param(None, ("USE_ROCM",), id="unguarded, on ROCm"),
        pytest.param("IS_ROCM", ("USE_ROCM",), id="guarded by a macro that nobody defines"),
        pytest.param("USE_ROCM", (), id="guarded by USE_ROCM, on the CPU alone"),
    ],
)
def test_the_import_dies_of_an_undefined_symbol(
    workshop: Workshop, guard: str | None, macros: tuple[str, ...]
) -> None:
    library = workshop.build(guard, macros=macros)
    completed = python(REPORT, library.parent)
    assert completed.returncode != 0
    assert UNDEFINED.search(completed.stderr), completed.stderr


def test_guarded_by_use_rocm_it_imports_on_rocm_and_the_operator_is_absent(
    workshop: Workshop,
) -> None:
    library = workshop.build("USE_ROCM", macros=("USE_ROCM",))
    completed = python(REPORT, library.parent)
    assert completed.returncode == 0, completed.stderr
    found = json.loads(completed.stdout)
    assert found == {"silu_and_mul": True, "silu_and_mul_per_block_quant": False}


def test_the_linker_refuses_it_when_asked_as_opparitys_build_asks(workshop: Workshop) -> None:
    # module.c is left out: Python's own symbols come from the interpreter, at the import.
    with pytest.raises(AssertionError, match="undefined reference to `silu_and_mul_per_block_quan"):
        workshop.build(None, macros=("USE_ROCM",), sources=SOURCES[1:], link=("-Wl,-z,defs",))
    settings = (HERE.parent / "CMakeLists.txt").read_text("utf-8")
    assert re.search(r"target_link_options\(\s*opparity PRIVATE .*-Wl,-z,defs", settings)
