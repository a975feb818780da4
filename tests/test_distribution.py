"""What is shipped: the source distribution, and the wheel that is built from it."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest

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
from scikit_build_core.build import build_{kind}
print(build_{kind}(sys.argv[1], {settings}))
"""


def build(kind: str, source: Path, target: Path, settings: dict[str, str]) -> Path:
    script = BUILD.format(kind=kind, settings=settings)
    completed = subprocess.run(
        [sys.executable, "-c", script, str(target)],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
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
    wheel = build("wheel", source, tmp_path, {"build-dir": str(tmp_path / "build")})
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        library = opened.read("opparity/libopparity.so")
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
    assert wheel.stat().st_size < LARGEST_WHEEL
    # Any Python 3, and this machine's processor.
    assert wheel.name.startswith("opparity-")
    assert "-py3-none-linux_" in wheel.name
