"""Builds what is published: a source distribution, a pure wheel, and one with the native library.

    make wheel                      into dist/

The library is compiled by the clang of PyPI's ziglang, for the C library of manylinux_2_28, which
torch's own wheels are for; libc++ is linked into it. Each wheel has a list of what it carries
(PEP 770), and the licences of that.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from bundled import bundled, write_contents

ROOT = Path(__file__).parents[1]
GLIBC = "2.28"
MACHINE = "x86_64"
PLATFORM = f"manylinux_{GLIBC.replace('.', '_')}_{MACHINE}"
# What torch brings, and no wheel of ours may carry.
TORCH = "libtorch_cpu.so"
BACKEND = """
import sys
sys.path.insert(0, "build_backend")
import opparity_build
print(opparity_build.build_{kind}(sys.argv[1]))
"""


def main() -> None:
    """Build all three, and say how large they are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=Path, default=ROOT / "dist")
    into = parser.parse_args().into.resolve()
    into.mkdir(parents=True, exist_ok=True)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    os.environ.setdefault("SOURCE_DATE_EPOCH", run("git", "log", "-1", "--format=%ct", where=ROOT))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = built("sdist", ROOT, into, "off")
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
        source = folder / archive.name.removesuffix(".tar.gz")
        pure = with_contents(built("wheel", source, folder, "off"), into, compiled=False)
        compiler = zig(folder)
        plain = built("wheel", source, folder, "require", CXX=str(compiler))
        (folder / "whole").mkdir()
        whole = for_platform(with_contents(plain, folder / "whole", compiled=True), into)
    for path in (archive, pure, whole):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        print(f"{path.stat().st_size:>9,} {digest[:16]} {path.name}")


def run(*command: str | Path, where: Path, **environment: str) -> str:
    """Run a command and return what it printed; its errors are shown as they come."""
    completed = subprocess.run(
        list(map(str, command)),
        cwd=where,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if completed.returncode:
        raise SystemExit(f"{completed.stdout}\n{command[0]} ended with {completed.returncode}")
    return completed.stdout.strip()


def built(kind: str, source: Path, into: Path, native: str, **environment: str) -> Path:
    """Return what the build back end makes of a source tree."""
    environment["OPPARITY_NATIVE"] = native
    script = BACKEND.format(kind=kind)
    printed = run(sys.executable, "-c", script, into, where=source, **environment)
    return into / printed.splitlines()[-1]


def zig(folder: Path) -> Path:
    """Return a compiler that links for the oldest C library that the wheel's name admits."""
    script = folder / "c++"
    target = f"{MACHINE}-linux-gnu.{GLIBC}"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m ziglang c++ -target {target} "$@"\n')
    script.chmod(0o755)
    return script


def with_contents(wheel: Path, into: Path, *, compiled: bool) -> Path:
    """Return the wheel with a list of what it carries, and the licences of that."""
    unpacked = wheel.parent / f"unpacked_{wheel.stem}"
    run(sys.executable, "-m", "wheel", "unpack", wheel, "--dest", unpacked, where=wheel.parent)
    (content,) = unpacked.iterdir()
    (information,) = content.glob("*.dist-info")
    write_contents(information, bundled() if compiled else [])
    if compiled:
        audit = ("torch-abi-audit", content / "opparity" / "libopparity.so", "--check", "torch")
        print(run(*audit, "--verbose", where=wheel.parent))
    return moved("wheel", "pack", content, "--dest-dir", into=into)


def for_platform(wheel: Path, into: Path) -> Path:
    """Return the wheel by the name of the platforms that it runs on, if it runs on them."""
    options = ("--plat", PLATFORM, "--only-plat", "--exclude", TORCH, wheel, "--wheel-dir")
    return moved("auditwheel", "repair", *options, into=into)


def moved(module: str, *command: str | Path, into: Path) -> Path:
    """Return the one file that a command writes to the folder that it names last."""
    with tempfile.TemporaryDirectory() as folder:
        run(sys.executable, "-m", module, *command, folder, where=Path(folder))
        (written,) = Path(folder).iterdir()
        return Path(shutil.move(written, into / written.name))


if __name__ == "__main__":
    main()
