"""`python -m opparity.operators.torch_headers FOLDER`: why torch there cannot be built with.

For CMake, which gives an empty FOLDER where there is no torch. Prints nothing where it can be built
with. torch is not imported.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from opparity.packages import OLDEST_TORCH

_HEADER = "include/torch/csrc/stable/library.h"


def main() -> None:
    """Print the reason, if there is one."""
    [folder] = sys.argv[1:]
    reason = objection(Path(folder)) if folder else "torch is not installed here"
    sys.stdout.write(reason or "")


def objection(folder: Path) -> str | None:
    """Return why nothing can be built with the torch in a folder, or None."""
    try:
        text = (folder / "version.py").read_text("utf-8")
    except OSError as error:
        return f"torch in {folder} is broken: version.py cannot be read ({error.strerror})"
    found = re.search(r"""__version__ = ['"](\d+)\.(\d+)([^'"]*)""", text)
    if found is None:
        return f"torch in {folder} is broken: version.py says no version"
    oldest = tuple(map(int, OLDEST_TORCH.split(".")))
    if (int(found[1]), int(found[2])) < oldest:
        version = "".join((found[1], ".", found[2], found[3]))
        return (
            f"torch {version} is older than {OLDEST_TORCH}, the first with the stable ABI that the "
            f"native library needs; `pip install --upgrade 'torch>={OLDEST_TORCH}'`"
        )
    if not (folder / _HEADER).is_file():
        return f"torch in {folder} is broken: {_HEADER} is missing"
    return None


if __name__ == "__main__":
    main()
