"""Installs what `make wheel` built in fresh environments, and runs it there.

    python tools/try_wheels.py dist --try python3.11 2.13.0 --try python3.13 none

Each try names a Python and a version of torch, or none. pip chooses among the files of the folder
as it would on an index. Prints one row of a Markdown table for each; the status is 1 where one
fails.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

TREE = {
    "CMakeLists.txt": "project(x LANGUAGES CXX HIP)\nadd_library(_C MODULE bindings.cpp)\n",
    "bindings.cpp": 'TORCH_LIBRARY(_C, m) { m.def("x() -> ()"); m.impl("x", &x); }\nvoid x();\n',
}
HAS_LIBRARY = """
import pathlib, opparity
print((pathlib.Path(opparity.__file__).parent / "libopparity.so").exists())
"""
WHOLE, PURE = "with the library", "pure"


class TryFailed(Exception):
    """A command ended otherwise than it should; the message is what it printed."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A fresh virtual environment.

    Attributes:
        folder: it.
        work: an empty folder, in which commands run.
    """

    folder: Path
    work: Path

    def run(self, *command: str | Path, status: int = 0) -> str:
        """Run a command of the environment and return what it prints."""
        first, *others = command
        completed = subprocess.run(
            [self.folder / "bin" / first, *others],
            cwd=self.work,
            env={"PATH": f"{self.folder / 'bin'}:/usr/bin:/bin", "HOME": str(self.work)},
            capture_output=True,
            text=True,
            check=False,
        )
        if completed.returncode != status:
            words = " ".join(map(str, command))
            raise TryFailed(
                f"`{words}` ended with {completed.returncode}, not {status}:\n"
                f"{completed.stdout[-2000:]}{completed.stderr[-2000:]}"
            )
        return completed.stdout

    def megabytes(self) -> int:
        """Return its size."""
        sizes = (path.stat().st_size for path in self.folder.rglob("*") if path.is_file())
        return sum(sizes) // 1_000_000


def main() -> None:
    """Try each, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the wheels and the source distribution")
    parser.add_argument("--try", dest="tries", nargs=2, action="append", required=True)
    given = parser.parse_args()
    failed = False
    print("| Python | torch | installed from | is | ran | environment |")
    print("| --- | --- | --- | --- | --- | ---: |")
    for python, torch in given.tries:
        for kind, wanted in ways(torch).items():
            with tempfile.TemporaryDirectory() as name:
                environment = Environment(Path(name) / "environment", Path(name) / "work")
                environment.work.mkdir()
                try:
                    row = f"{wanted} | " + tried(
                        environment, given.folder.resolve(), python, torch, kind
                    )
                except TryFailed as error:
                    failed, row = True, f"FAILED | {error}".replace("\n", " ")
                print(f"| {version(python)} | {torch} | {kind} | {row} |", flush=True)
    sys.exit(failed)


def ways(torch: str) -> dict[str, str]:
    """Return from what it is installed, and what must come of it."""
    return {"wheels": WHOLE} | ({"source": PURE} if torch == "none" else {})


def version(python: str) -> str:
    """Return an interpreter's version."""
    script = "import platform; print(platform.python_version())"
    return subprocess.run(
        [python, "-c", script], capture_output=True, text=True, check=True
    ).stdout.strip()


def tried(environment: Environment, files: Path, python: str, torch: str, kind: str) -> str:
    """Install and run; return the rest of the row."""
    subprocess.run([python, "-m", "venv", environment.folder], check=True)
    extra = "" if torch == "none" else "[operators]"
    if extra:
        environment.run("pip", "install", "--quiet", f"torch=={torch}")
    environment.run("pip", "install", "--quiet", f"{chosen(environment, files, kind)}{extra}")
    library = environment.run("python", "-c", HAS_LIBRARY).strip()
    wanted = ways(torch)[kind]
    if (library == "True") != (wanted == WHOLE):
        raise TryFailed(f"the native library is there: {library}, where {wanted} was wanted")
    ran = [checker(environment)]
    if torch != "none":
        ran.append(operators(environment))
    return f"{', '.join(ran)} | {environment.megabytes():,} MB"


def chosen(environment: Environment, files: Path, kind: str) -> Path:
    """Return the wheel that pip chooses for this machine, or the source; no index is asked."""
    if kind == "source":
        return only(files.glob("*.tar.gz"), "source distributions")
    options = ("--quiet", "--no-index", "--no-deps", "--only-binary=:all:", "--find-links", files)
    target = environment.work / "chosen"
    environment.run("pip", "download", *options, "--dest", target, "opparity")
    return only(target.iterdir(), "wheels that fit")


def only(found: Iterable[Path], what: str) -> Path:
    """Return the one file that there is."""
    files = sorted(found)
    if len(files) != 1:
        raise TryFailed(f"there are {len(files)} {what}: {', '.join(map(str, files))}")
    return files[0]


def checker(environment: Environment) -> str:
    """Find what a small extension lacks."""
    tree = environment.work / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir()
    for name, text in TREE.items():
        (tree / name).write_text(text)
    printed = environment.run("opparity", "check", tree, "--output-format", "json", status=1)
    rules = {each["rule"] for each in json.loads(printed)["findings"]}
    if not any(rule.startswith("BLD") for rule in rules):
        raise TryFailed(f"`opparity check` found {sorted(rules)}, and nothing that is not built")
    return f"`check` ({', '.join(sorted(rules))})"


def operators(environment: Environment) -> str:
    """Compare every operator's bytes with the golden ones, by the native library."""
    printed = environment.run("opparity", "verify", "--output-format", "json")
    native = [
        each
        for each in json.loads(printed)["results"]
        if (each["provider"], each["platform"]) == ("native", "cpu")
    ]
    other = {each["status"] for each in native} - {"equal"}
    if other or not native:
        raise TryFailed(f"`opparity verify`: native on cpu is {other or 'not there'}")
    return f"`verify` ({sum(each['values'] for each in native):,} values)"


if __name__ == "__main__":
    main()
