"""One class for each mistake that a user can make.

A message says what was given, what is allowed and what to do.
Every class is a RuntimeError as well, since that is what the native library's checks raise:
`except RuntimeError` catches a mistake whichever implementation finds it.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar


class OpparityError(RuntimeError):
    """Anything that Opparity refuses; subclasses give the message as a template."""

    message: ClassVar[str] = "{detail}"

    def __init__(self, **values: object) -> None:
        self.values = values
        super().__init__(self.message.format(**values))

    def __reduce__(self) -> tuple[partial[OpparityError], tuple[()]]:
        """Have an error that another process raised arrive as it was."""
        return partial(type(self), **self.values), ()


class ArgumentRefused(OpparityError, ValueError):
    """An argument of an operator is outside what its specification allows."""

    message = "{operator}: {detail}"


class OperatorMissing(OpparityError, LookupError):
    """No implementation can serve an operator on a platform."""

    message = (
        "{operator} has no implementation left on {platform}: {reasons}; "
        "`opparity doctor` shows the whole table"
    )


class ProviderUnknown(OpparityError, ValueError):
    """A provider's name that no operator has."""

    message = "provider {given!r} is unknown; allowed: {allowed}"


class CapabilityUnknown(OpparityError, ValueError):
    """OPPARITY_CPU_CAPABILITY names what this processor or this build does not have."""


class CheckpointRefused(OpparityError, ValueError):
    """A folder that does not hold the checkpoint that is asked for."""

    message = "{path}: {detail}; {remedy}"


class CorpusRefused(OpparityError, ValueError):
    """Text that cannot be trained on or evaluated."""

    message = "{detail}; {remedy}"


class BenchmarkRefused(OpparityError, ValueError):
    """A benchmark that was asked for and cannot be run here."""

    message = "{detail}; {remedy}"


class PeerRefused(OpparityError, ValueError):
    """Somebody else's function that cannot be called."""

    message = "--peer {peer}: {reason}; give module:function, importable here"


class VerificationRefused(OpparityError, ValueError):
    """A comparison that was asked for and that there is none of."""

    message = "{detail}; {remedy}"


class EvaluationRefused(OpparityError, ValueError):
    """An evaluation that was asked for and cannot be run here."""

    message = "{detail}; {remedy}"


class PluginRefused(OpparityError, ValueError):
    """A plugin that cannot do here what was asked of it."""

    message = "{detail}; {remedy}"


class TorchNameMissing(OpparityError, ImportError):
    """A private name of torch that this version does not have."""

    message = (
        "{feature} uses {name}, which torch {version} does not have; tried: torch {tried}; "
        "install one of these, or {instead}"
    )


class OutputRefused(OpparityError):
    """A file that cannot be written."""

    message = "{path} cannot be written: {reason}; make room there, or name another file"


class NamespaceTaken(OpparityError):
    """Operators of Opparity's names that something else has registered in this process."""

    message = (
        "torch.ops.{namespace} has operators already, registered by {owner}; use one copy of "
        "opparity in a process: `opparity doctor` lists those that Python finds"
    )


class PackageUnusable(OpparityError, ImportError):
    """A package that is absent or cannot be imported, where nothing works without it."""

    message = "{what} cannot be used: {reason}"


class PackagesMissing(OpparityError, ImportError):
    """A command that needs packages which are not installed."""

    message = "opparity {command} needs {packages}; {remedy}"


class ReferenceServes(UserWarning):
    """The native kernels cannot serve here although nobody forbade them; told once a platform."""
