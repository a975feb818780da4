"""`python -m opparity.operators --sources`: the native sources, one a line, for CMake."""

from __future__ import annotations

import argparse
from pathlib import Path

from opparity.operators import OPERATORS


def main() -> None:
    """Print the paths of the native sources, relative to the package's folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", action="store_true", required=True)
    parser.parse_args()
    folder = Path("operators")
    for operator in OPERATORS:
        for implementation in operator.implementations:
            for source in implementation.sources:
                print((folder / operator.name / source).as_posix())  # noqa: T201 -- CMake reads it


if __name__ == "__main__":
    main()
