"""Write a folder of kernels for Hugging Face's `kernels`.

Usage: python -m opparity.integrations.kernels FOLDER
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from opparity.integrations.kernels.folder import sources, write


def main() -> None:
    """Write into the folder that is given, and say what was written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write; its `build` must not exist")
    folder = parser.parse_args().folder
    try:
        variants = write(folder)
    except FileExistsError as found:
        parser.error(f"{found.filename} exists; remove it or choose another folder")
    names = ", ".join(variant.name for variant in variants)
    sys.stdout.write(f"{folder / 'build'}: {names}, {len(sources())} modules each\n")


if __name__ == "__main__":
    main()
