"""What SGLang calls in each of its processes: look, register kernels, replace what was asked for.

SGLang catches what a plugin raises and goes on, with a line in its log. A plugin that was asked for
something and cannot do it ends the process instead.
"""

from __future__ import annotations

import inspect
import logging
import pkgutil
import warnings
from typing import TYPE_CHECKING

from opparity.errors import PluginRefused
from opparity.integrations.sglang.settings import VARIABLE, Settings
from opparity.integrations.sglang.table import ROWS, TRIED

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.integrations.sglang.table import Row

_LOG = logging.getLogger("sglang.opparity")
_REMEDY = f"install a version it was tried in, or set {VARIABLE}=off to run without it"
_installed: list[str] = []


def register() -> None:
    """Register Opparity's kernels with SGLang, and hook those that OPPARITY_SGLANG names; once.

    Raises:
        SystemExit: OPPARITY_SGLANG is not understood, or asks for what cannot be done here; where
            it asks for nothing there is a warning.
    """
    if _installed:
        return
    try:
        settings = Settings.from_environment()
    except PluginRefused as refused:
        raise SystemExit(f"opparity: {refused}") from refused
    if settings.off:
        _LOG.info("Opparity: %s=off, nothing is installed", VARIABLE)
        return
    try:
        _install(settings)
    except PluginRefused as refused:
        _say(str(refused), settings)
    except Exception as error:  # noqa: BLE001 -- SGLang's modules may raise anything on import
        _say(f"SGLang is not as the plugin knows it: {error!r}; {_REMEDY}", settings)


def calls() -> dict[str, int]:
    """Return how often SGLang called each of Opparity's functions in this process."""
    from opparity.integrations.sglang import kernels  # noqa: PLC0415 -- it needs torch

    return dict(kernels.CALLS)


def _say(message: str, settings: Settings) -> None:
    if settings.hooked:
        raise SystemExit(f"opparity: {message}")
    warnings.warn(f"Opparity: {message}; nothing was installed", stacklevel=3)


def _install(settings: Settings) -> None:
    from sglang.version import __version__  # noqa: PLC0415 -- the module is read without it

    if __version__ not in TRIED:
        raise PluginRefused(
            detail=f"this is SGLang {__version__}, and Opparity's plugin was tried in "
            f"{', '.join(TRIED)} alone",
            remedy=_REMEDY,
        )
    from sglang.kernels import KernelBackend, KernelSpec, register_kernel  # noqa: PLC0415
    from sglang.srt.plugins.hook_registry import HookRegistry, HookType  # noqa: PLC0415

    from opparity.integrations.sglang import kernels  # noqa: PLC0415 -- it needs torch

    hooked = [row for row in ROWS if row.name in settings.hooked]
    # Everything that can fail comes first.
    originals = {row.name: _original(row) for row in hooked}
    kernels.load()
    for row in ROWS:
        register_kernel(
            KernelSpec(op=row.operator, backend=KernelBackend.PLUGIN, target=row.kernel)
        )
    for row in hooked:
        kernels.ORIGINALS[row.name] = originals[row.name]
        HookRegistry.register(row.target, getattr(kernels, row.ours), HookType.REPLACE)
    _installed.extend(row.name for row in hooked)
    _installed.append("kernels")
    names = ", ".join(row.function for row in hooked) or f"none, {VARIABLE} asks for none"
    _LOG.info("Opparity: %d kernels registered; replaced: %s", len(ROWS), names)


def _original(row: Row) -> Callable[..., object]:
    """Return SGLang's function, if it takes what ours takes."""
    found: Callable[..., object] = pkgutil.resolve_name(f"{row.module}:{row.function}")
    parameters = tuple(inspect.signature(found).parameters)
    if parameters != row.parameters:
        raise PluginRefused(
            detail=f"{row.target} takes {', '.join(parameters)}, and Opparity's function "
            f"{', '.join(row.parameters)}",
            remedy=f"leave {row.name} out of {VARIABLE}",
        )
    return found
