"""`python torch_headers.py FOLDER`: why the torch in a folder cannot be built with.

Prints nothing where it can. torch is not imported.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# The first that has the stable ABI of TORCH_TARGET_VERSION in CMakeLists.txt.
OLDEST = (2, 11)
_HEADER = "include/torch/csrc/stable/library.h"


def main() -> None:
    """Print the reason, if there is one."""
    [folder] = sys.argv[1:]
    sys.stdout.write(objection(Path(folder)) or "")


def objection(folder: Path) -> str | None:
    """Return why nothing can be built with the torch in a folder, or None."""
    try:
        text = (folder / "version.py").read_text("utf-8")
    except OSError as error:
        return f"torch in {folder} is broken: version.py cannot be read ({error.strerror})"
    found = re.search(r"""__version__ = ['"](\d+)\.(\d+)([^'"]*)""", text)
    if found is None:
        return f"torch in {folder} is broken: version.py says no version"
    if (int(found[1]), int(found[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return (
            f"torch {found[1]}.{found[2]}{found[3]} is older than {oldest}, the first that the "
            f"native library can be built with; `pip install --upgrade 'torch>={oldest}'`"
        )
    if not (folder / _HEADER).is_file():
        return f"torch in {folder} is broken: {_HEADER} is missing"
    return None


if __name__ == "__main__":
    main()
