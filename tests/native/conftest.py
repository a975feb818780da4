from __future__ import annotations

from pathlib import Path

import pytest

from kernel_launches import Launcher


@pytest.fixture(scope="module")
def launcher(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Launcher:
    """What compiles and runs kernels: for the host, or with --emulate for an AMD chip."""
    folder = tmp_path_factory.mktemp("launches")
    chip = request.config.getoption("emulate")
    if chip is None:
        return Launcher(folder)
    from emulated_launches import EmulatedLauncher  # noqa: PLC0415 -- needs tinygrad's clone

    return EmulatedLauncher(folder, chip, Path(request.config.getoption("tinygrad")).resolve())
