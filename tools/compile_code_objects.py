"""Compile the GPU kernels ahead of time: python tools/compile_code_objects.py [--jobs 2].

Needs no GPU; nvcc 13 on PATH for CUDA and Triton for AMD, and each alone with --only. It writes the
code objects of each operator to src/opparity/code_objects/objects, and the manifest that says what
they were made from. Installing the package needs neither compiler.
"""

from __future__ import annotations

import argparse

from opparity.code_objects import cuda, hip, manifest
from opparity.operators import OPERATORS

COMPILERS = {"cuda": cuda.compile_operator, "hip": hip.compile_operator}


def main() -> None:
    """Compile and write the code objects and the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", choices=sorted(COMPILERS))
    arguments = parser.parse_args()
    manifest.FOLDER.mkdir(exist_ok=True)
    chosen = [arguments.only] if arguments.only else list(COMPILERS)
    known = manifest.read() if arguments.only else {}
    objects = {}
    for operator in OPERATORS:
        entry = dict(known.get(operator.name, {}))
        for name in chosen:
            made = COMPILERS[name](operator.name, arguments.jobs)
            entry.pop(name, None)
            if made is not None:
                entry[name] = made
        objects[operator.name] = dict(sorted(entry.items()))
    manifest.write(objects)
    for path in sorted(manifest.FOLDER.iterdir()):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
