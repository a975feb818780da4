"""What is shipped: the source distribution, and the wheel that is built from it."""

from __future__ import annotations

import email
import json
import os
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import pytest

from opparity.operators import native_library
from shared_libraries import computed, missing_symbols

ROOT = Path(__file__).parents[1]
SHIPPED = (
    "opparity/py.typed",
    "opparity/history/formats/templates/timeline.svg.jinja",
    "opparity/operators/golden.json",
    "opparity/benchmark/speed_of_light.cu",
    "opparity/evaluation/model/config.json",
    "opparity/pages/resources/filter.js",
    "opparity/pages/resources/page.css",
    "opparity/pages/resources/theme.js",
    "opparity/pages/templates/page.html",
    *(
        f"opparity/words/{language}/{part}.toml"
        for language in ("en", "zh")
        for part in ("change", "checker", "history", "pages")
    ),
)
WEIGHTS = "opparity/evaluation/model/model.safetensors"
LARGEST_WHEEL = 5_000_000
LIGHT = "opparity/benchmark/speed_of_light.cu"
# The build back end is called as pip calls it, without pip's isolated environment.
BUILD = """
import sys
sys.path.insert(0, "build_backend")
{before}
import opparity_build
print(opparity_build.build_{kind}(sys.argv[1], {settings}))
"""
CONTENTS = """
import sys
from pathlib import Path
from bundled import bundled, write_contents
parts = bundled()
write_contents(Path(sys.argv[1]), parts)
print(*(part.name for part in parts))
"""
# Every source is compiled, those of the CPU's kernels for one capability; with ROCm's macros, since
# the environment's own library is built without them, and with warnings as errors but for the
# parameter that only the choice among capabilities reads.
BY_ROCM = {
    "cmake.define.OPPARITY_CAPABILITIES": "baseline",
    "cmake.define.OPPARITY_OPTIMISATION": "-O1",
    "cmake.define.CMAKE_CXX_FLAGS": (
        "-DUSE_ROCM -D__HIP_PLATFORM_AMD__ -Werror -Wno-error=unused-parameter"
    ),
}
WITH_TOOLS = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
WITHOUT_TORCH = """
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *others: None if name == "torch" else find(name, *others)
"""


def attempt(
    kind: str,
    source: Path,
    target: Path,
    settings: dict[str, str],
    *,
    before: str = "",
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    script = BUILD.format(kind=kind, settings=settings, before=before)
    return subprocess.run(
        [sys.executable, "-c", script, str(target)],
        cwd=source,
        env={**os.environ, "OPPARITY_NATIVE": "auto", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def build(
    kind: str, source: Path, target: Path, settings: dict[str, str], **environment: str
) -> Path:
    completed = attempt(kind, source, target, settings, **environment)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return target / completed.stdout.split()[-1]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the unpacked source distribution."""
    target = tmp_path_factory.mktemp("source")
    archive = build("sdist", ROOT, target, {})
    with tarfile.open(archive) as opened:
        opened.extractall(target, filter="data")
    return target / archive.name.removesuffix(".tar.gz")


def test_the_source_distribution_holds_sources_and_data_and_nothing_built(source: Path) -> None:
    names = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert {f"src/{name}" for name in (*SHIPPED, WEIGHTS)} <= names
    native = {
        path.relative_to(ROOT).as_posix()
        for pattern in ("*.cpp", "*.h", "*.cu")
        for path in (ROOT / "src").rglob(pattern)
    }
    assert len(native) > 5
    assert native | {"CMakeLists.txt", "LICENSE", "README.md"} <= names
    assert [name for name in names if name.endswith((".so", ".pyc"))] == []


def test_the_wheel_built_from_it_holds_the_library_and_no_cpp(source: Path, tmp_path: Path) -> None:
    settings = {"build-dir": str(tmp_path / "build"), **BY_ROCM}
    wheel = build("wheel", source, tmp_path, settings, OPPARITY_NATIVE="require")
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        library = opened.read("opparity/libopparity.so")
        others = wheel.stat().st_size - opened.getinfo("opparity/libopparity.so").compress_size
        for name in SHIPPED:
            assert opened.read(name) == (ROOT / "src" / name).read_bytes()
    assert WEIGHTS not in names
    assert library[:4] == b"\x7fELF"
    assert "opparity/libopparity.json" in names
    # It carries what it compiles on a GPU's machine.
    for header in (ROOT / "src" / "opparity" / "native" / "producers").glob("*.h"):
        assert header.read_bytes() in library
    # `opparity benchmark` compiles its bar where it runs.
    suffixes = {PurePosixPath(name).suffix for name in names - {LIGHT}}
    assert suffixes & {".cpp", ".h", ".hpp", ".cu", ".cuh", ".pyc"} == set()
    modules = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*.py")}
    assert modules <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    # The size is that with the library which is installed and has every capability.
    installed = native_library.path()
    assert installed is not None
    assert others + len(zlib.compress(installed.read_bytes())) < LARGEST_WHEEL
    # Any Python 3, and this machine's processor.
    assert wheel.name.startswith("opparity-")
    assert "-py3-none-linux_" in wheel.name
    # With ROCm's macros it needs no other symbols, and computes the same.
    built = tmp_path / "libopparity.so"
    built.write_bytes(library)
    assert missing_symbols(built) == set()
    assert computed(built, tmp_path) == computed(installed, tmp_path)


@pytest.mark.parametrize(
    ("before", "environment", "reason"),
    [
        (WITHOUT_TORCH, {}, "torch is not installed where this is built"),
        ("", {"PATH": "/nowhere"}, "no C++ compiler is on the path"),
        ("", {"OPPARITY_NATIVE": "off"}, "OPPARITY_NATIVE is 'off'"),
    ],
)
def test_a_wheel_without_the_library_has_another_name(
    before: str, environment: dict[str, str], reason: str, source: Path, tmp_path: Path
) -> None:
    completed = attempt("wheel", source, tmp_path, {}, before=before, **environment)
    assert completed.returncode == 0, completed.stderr
    assert f"opparity: building without the native library: {reason}" in completed.stderr
    (wheel,) = tmp_path.iterdir()
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
    assert {f"{name}" for name in SHIPPED} <= set(names)
    assert [name for name in names if PurePosixPath(name).suffix in {".so", ".cpp", ".h"}] == []


@pytest.mark.parametrize(
    ("before", "environment", "reason"),
    [
        (WITHOUT_TORCH, {"OPPARITY_NATIVE": "require"}, "but torch is not installed"),
        ("", {"OPPARITY_NATIVE": "require", "PATH": "/nowhere"}, "but no C++ compiler is on"),
        ("", {"OPPARITY_NATIVE": "no"}, "OPPARITY_NATIVE is 'no'; allowed: auto, require, off"),
    ],
)
def test_no_wheel_is_built_without_the_library_where_it_is_required(
    before: str, environment: dict[str, str], reason: str, source: Path, tmp_path: Path
) -> None:
    completed = attempt("wheel", source, tmp_path, {}, before=before, **environment)
    assert completed.returncode != 0
    assert reason in completed.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("choice", ["auto", "require"])
@pytest.mark.parametrize("named", ["g++-99", "/nowhere/c++", "g++-99 -m64", 'g++ "'])
def test_a_compiler_that_is_named_and_is_not_there_ends_the_build(
    named: str, choice: str, source: Path, tmp_path: Path
) -> None:
    completed = attempt("wheel", source, tmp_path, {}, OPPARITY_NATIVE=choice, CXX=named)
    assert completed.returncode != 0
    assert completed.stderr.splitlines()[-1] == (
        f"CXX is '{named}', and no such program is on the path; allowed: a C++ compiler's name or "
        "path; correct it, or unset CXX to take the first of c++, g++, clang++"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_pure_wheel_asks_for_no_compiler(source: Path, tmp_path: Path) -> None:
    built = build("wheel", source, tmp_path, {}, OPPARITY_NATIVE="off", CXX="g++-99")
    assert built.name.endswith("-py3-none-any.whl")


def test_cmake_alone_fails_without_torch(source: Path, tmp_path: Path) -> None:
    """And builds no package that is whole less its library."""
    python = tmp_path / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", python], check=True)
    command = ["cmake", "-S", str(source), "-B", str(tmp_path / "build")]
    command.append(f"-DPython_EXECUTABLE={python / 'bin' / 'python'}")
    completed = subprocess.run(command, capture_output=True, text=True, check=False, env=WITH_TOOLS)
    assert completed.returncode != 0
    assert "torch is not installed for" in completed.stderr


def test_what_the_compiled_wheel_carries_is_listed_with_its_licences(tmp_path: Path) -> None:
    information = tmp_path / "opparity-1.2.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        "Name: opparity\nLicense-Expression: Apache-2.0\nLicense-File: LICENSE\n\n# Opparity\n"
    )
    listed = subprocess.run(
        [sys.executable, "-c", CONTENTS, information],
        cwd=ROOT / "tools",
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    metadata = email.message_from_string((information / "METADATA").read_text())
    assert metadata["License-Expression"].startswith("Apache-2.0 AND ")
    files = metadata.get_all("License-File", [])
    assert files == ["LICENSE", *(f"bundled/{name}.txt" for name in listed)]
    assert all((information / "licenses" / name).stat().st_size > 500 for name in files[1:])
    contents = json.loads((information / "sboms" / "opparity.cdx.json").read_text())
    assert contents["metadata"]["component"]["purl"] == "pkg:pypi/opparity@1.2"
    assert {each["name"] for each in contents["components"]} == set(listed)
    assert {"libcxx", "torch-headers"} <= set(listed)
    assert all(each["licenses"] and each["version"] for each in contents["components"])
