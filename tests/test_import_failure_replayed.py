"""The import failure of vLLM's silu_and_mul_per_block_quant on ROCm, built again with plain g++.

tests/extensions/vllm_style declares and registers two operators for every platform. The source of
the second is in CUDA's list of sources alone.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from opparity.operators import native_library

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


def run(*command: str | Path) -> str:
    completed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr
    return completed.stdout


def python(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh interpreter that finds modules in a folder as well."""
    path = os.pathsep.join([str(folder), *(entry for entry in sys.path if entry)])
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


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


def library() -> Path:
    path = native_library.path()
    assert path is not None
    return path


def symbols(path: Path, choice: str) -> set[tuple[str, str]]:
    """Return (kind, name without version) of a library's dynamic symbols."""
    found = set()
    for line in run("nm", "--dynamic", choice, path).splitlines():
        *_, kind, name = line.split()
        found.add((kind, name.partition("@")[0]))
    return found


# The CPU part of torch, and the runtime of C and C++.
ALLOWED = re.compile(
    r"(libtorch_cpu|libc10|libstdc\+\+|libm|libgcc_s|libc|ld-linux[^.]*)\.so[.\d]*"
)


def test_opparitys_library_needs_the_cpu_part_of_torch_and_the_cpp_runtime_alone() -> None:
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "--dynamic", library()))
    assert "libtorch_cpu.so" in needed
    assert [name for name in needed if not ALLOWED.fullmatch(name)] == []


def missing_symbols(path: Path) -> set[str]:
    """Return what a library wants of these and none of them defines."""
    resolved = dict(
        re.findall(
            r"(\S+) => (\S+)",
            subprocess.run(
                ["ldd", path],
                env={**os.environ, "LD_LIBRARY_PATH": str(TORCH / "lib")},
                capture_output=True,
                text=True,
                check=True,
            ).stdout,
        )
    )
    defined = {
        symbol
        for name, found in resolved.items()
        if ALLOWED.fullmatch(name)
        for _, symbol in symbols(Path(found), "--defined-only")
    }
    # Those of kind w and v may stay undefined: __gmon_start__ and the like.
    wanted = {name for kind, name in symbols(path, "--undefined-only") if kind not in {"w", "v"}}
    assert "aoti_torch_library_def" in wanted
    return wanted - defined


def test_opparitys_library_has_each_symbol_it_needs_from_these() -> None:
    assert missing_symbols(library()) == set()


def test_opparitys_library_is_no_python_module() -> None:
    names = {name for _, name in symbols(library(), "--defined-only")}
    assert [name for name in names if name.startswith("PyInit_")] == []
    undefined = {name for _, name in symbols(library(), "--undefined-only")}
    assert [name for name in undefined if re.match(r"_?Py[A-Z_]", name)] == []


COMPUTE = """
import hashlib, torch
torch.ops.load_library({library!r})
x = (torch.arange(2048, dtype=torch.float32).view(4, 512) * 37 % 101 - 50) / 16
out, scales = torch.empty(4, 256, dtype=torch.float8_e4m3fn), torch.empty(4, 2)
torch.ops.opparity.silu_and_mul_per_block_quant(out, x, scales, 128)
data = [*out.view(torch.uint8).flatten().tolist(), *scales.view(torch.uint8).flatten().tolist()]
print(hashlib.sha256(bytes(data)).hexdigest())
"""


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what the library computes in this machine's own configuration."""
    script = COMPUTE.format(library=str(library()))
    completed = python(script, tmp_path_factory.mktemp("empty"))
    assert completed.returncode == 0, completed.stderr
    assert len(completed.stdout.strip()) == 64
    return completed.stdout


@pytest.mark.parametrize(
    ("first", "environment"),
    [
        pytest.param("", {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}, id="no GPU"),
        pytest.param("", {"LD_BIND_NOW": "1"}, id="every symbol bound at once"),
        pytest.param("import opparity; opparity.load()", {}, id="loaded twice"),
    ],
)
def test_opparitys_library_loads_and_computes_in_each_configuration(
    expected: str, tmp_path: Path, first: str, environment: dict[str, str]
) -> None:
    script = f"{first}\n{COMPUTE.format(library=str(library()))}"
    completed = python(script, tmp_path, **environment)
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout == expected


def test_opparitys_library_needs_nothing_else_with_rocms_macros(
    expected: str, tmp_path: Path
) -> None:
    run(
        *(sys.executable, "-m", "cmake", "-S", HERE.parent, "-B", tmp_path),
        "-DCMAKE_CXX_FLAGS=-DUSE_ROCM -D__HIP_PLATFORM_AMD__",
        f"-DPython_EXECUTABLE={sys.executable}",
        *("-DOPPARITY_CAPABILITIES=baseline", "-DOPPARITY_OPTIMISATION=-O1"),
    )
    run(sys.executable, "-m", "cmake", "--build", tmp_path, "--parallel", "2")
    built = tmp_path / native_library.FILE_NAME
    assert missing_symbols(built) == set()
    completed = python(COMPUTE.format(library=str(built)), tmp_path)
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout == expected
