"""BLD017."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.places import Related
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis


class TorchNotRequiredByTheBuild(Rule):
    """setup.py imports torch to make an extension, and pyproject.toml's requirements lack it.

    ## Why is this bad?
    pip builds in isolation: what `[build-system] requires` does not name is not there.
    Where setup.py catches the failed import, the package is built and installed without its
    extension, and nobody is told.
    Where it does not, the build fails at once; projects that ask for `--no-build-isolation` want
    that, so it is information alone.

    ## Example
    `requires = ["setuptools"]`, and in setup.py
    `try: from torch.utils.cpp_extension import CUDAExtension` with
    `except ImportError: extensions = []`.

    ## Use instead
    Name torch among the requirements, or let the build fail without it.

    ## Before and after
    Before, in `pyproject.toml`:

    ```toml
    [build-system]
    requires = ["setuptools>=77"]
    ```

    After:

    ```toml
    [build-system]
    requires = ["setuptools>=77", "torch>=2.6"]
    ```
    """

    code = "BLD017"
    name = "torch-not-required-by-the-build"
    severity = Severity.WARNING
    effect = Effect.IMPORT

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each setup.py that makes an extension of torch's and may be run without it."""
        modules = {
            build.description: target.name
            for build in analysis.project.builds
            for target in build.targets
            if target.kind == "module"
        }
        for script, found in analysis.missing_torch.items():
            module = modules.get(script)
            if module is None:
                continue
            yield self.finding(
                found.required,
                state(
                    "BLD017.quiet" if found.is_caught else "BLD017.fails",
                    script=script,
                    module=module,
                ),
                symbol=module,
                related=[Related(found.imported, state("place.imported"))],
                severity=None if found.is_caught else Severity.INFORMATION,
                effect=None if found.is_caught else Effect.BUILD,
            )
