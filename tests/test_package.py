from __future__ import annotations

import subprocess
import sys


def test_importing_the_package_imports_neither_torch_nor_numpy() -> None:
    script = "import opparity, sys; print(*sorted({'torch', 'numpy'} & set(sys.modules)))"
    completed = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert completed.stdout.strip() == ""
