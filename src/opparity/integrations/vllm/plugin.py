"""What vLLM calls in each of its processes: look, decide, install all of it or nothing.

This module can be imported without vLLM; what it installs is in modules that cannot.
"""

from __future__ import annotations

import importlib
import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from opparity.errors import PluginRefused, TorchNameMissing
from opparity.integrations.vllm import verdicts
from opparity.integrations.vllm.settings import VARIABLE, Settings
from opparity.integrations.vllm.table import ROWS
from opparity.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Callable

# A child of vLLM's logger, so that it is heard where vLLM is.
_LOG = logging.getLogger("vllm.opparity")
_REMEDY = (
    f"install a version it was tried in, or set {VARIABLE}=off to run without it "
    "(VLLM_PLUGINS chooses among all plugins)"
)
# Imported when they are installed: they import modules of vLLM's that look for operators then.
_INSTALLERS = {
    "linear": "linear:append",
    "linear-first": "linear:put_first",
    "patterns": "patterns:install",
    "mxfp8": "producers:install_mxfp8",
    "per-token": "producers:install_per_token",
}
_installed: list[ExitStack] = []


def register() -> None:
    """Install what OPPARITY_VLLM asks for into this process; once, however often it is called.

    What cannot be done is an error where OPPARITY_VLLM asks for anything, and otherwise said in
    vLLM's log; in both cases nothing is installed.

    Raises:
        PluginRefused: OPPARITY_VLLM is not understood, or asks for what cannot be done here.
    """
    if _installed:
        return
    settings = Settings.from_environment()
    if settings.off:
        _LOG.info("Opparity: %s=off, nothing is installed", VARIABLE)
        return
    import vllm  # noqa: PLC0415 -- the module is read without it

    objection = verdicts.version_objection(vllm.__version__)
    if objection is None:
        try:
            _install(settings)
        except PluginRefused:
            raise
        except TorchNameMissing as error:
            objection = str(error)
        except Exception as error:  # noqa: BLE001 -- vLLM's modules may raise anything on import
            objection = (
                f"vLLM {vllm.__version__} is not as the plugin knows it: {error!r}; nothing of the "
                "plugin was installed"
            )
    if objection is None:
        return
    if settings.asked:
        raise PluginRefused(detail=objection, remedy=_REMEDY)
    _LOG.error("Opparity: %s; %s", objection, _REMEDY)


def unregister() -> None:
    """Take away what `register` installed; for tests, since vLLM keeps what it has imported."""
    while _installed:
        _installed.pop().close()


def calls() -> dict[str, int]:
    """Return how often vLLM called each operator of Opparity's in this process."""
    from opparity.integrations.vllm import operators  # noqa: PLC0415 -- it needs torch

    return dict(operators.CALLS)


def platform_of_vllm() -> Platform | None:
    """Return the platform of this process's vLLM; None where Opparity has no operators for it.

    A vLLM that was built for nothing in particular has its tensors on the CPU.
    """
    from vllm.platforms import current_platform  # noqa: PLC0415 -- the module is read without it

    # "Missing" is judged once vLLM's own libraries are there.
    current_platform.import_kernels()
    if current_platform.is_cuda():
        return Platform.CUDA
    if current_platform.is_rocm():
        return Platform.ROCM
    if current_platform.is_cpu() or current_platform.is_unspecified():
        return Platform.CPU
    return None


def _install(settings: Settings) -> None:
    platform = platform_of_vllm()
    if platform is None:
        raise LookupError("its platform is none of cuda, rocm and cpu")
    from opparity import torch_names  # noqa: PLC0415 -- it needs torch
    from opparity.integrations.vllm import operators  # noqa: PLC0415 -- the same

    torch_names.require(torch_names.VLLM)
    found = verdicts.of_operators(platform, operators.present(row.name for row in ROWS), settings)
    parts = [row for row in verdicts.of_parts(platform, settings) if row.status == "done"]
    with ExitStack() as undo:
        for status, install in (
            (verdicts.DEFINED, operators.define),
            (verdicts.REPLACED, operators.replace),
        ):
            names = [row.name for row in found if row.status == status]
            undo.callback(install(names)._destroy)  # noqa: SLF001 -- torch has no public way back
            _LOG.info("Opparity: %s %s", status, ", ".join(names) or "no operator")
        for part in parts:
            undo.callback(_installer(part.name)(platform))
            _LOG.info("Opparity: %s: %s", part.name, part.reason)
        _installed.append(undo.pop_all())


def _installer(part: str) -> Callable[[Platform], Callable[[], Any]]:
    """Return the function that installs a part and returns how to undo it."""
    module, _, function = _INSTALLERS[part].partition(":")
    found: Callable[[Platform], Callable[[], Any]] = getattr(
        importlib.import_module(f"{__package__}.{module}"), function
    )
    return found
