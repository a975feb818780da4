"""CAL012."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.misnamed_imports import misnamed_imports
from opparity.checker.facts.places import Related
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis


class ModuleThatNobodyBuilds(Rule):
    """Python imports a module that nothing builds, and an extension is built that nothing imports.

    ## Why is this bad?
    The import fails with `ImportError` or `ModuleNotFoundError`: the package has no file, folder or
    extension of that name. What Python uses of it is bound by an extension of the same package that
    has another name, which nothing imports.

    ## Example
    `CUDAExtension("demo._K", …)` in setup.py, and `from . import _C` in `demo/__init__.py`.

    ## Use instead
    Build the extension under the name that Python imports.

    ## Before and after
    Before, in `setup.py`:

    ```python
    setup(
        name="demo",
        packages=["demo"],
        ext_modules=[CppExtension("demo._K", ["csrc/bindings.cpp"])],
        cmdclass={"build_ext": BuildExtension},
    )
    ```

    After:

    ```python
    setup(
        name="demo",
        packages=["demo"],
        ext_modules=[CppExtension("demo._C", ["csrc/bindings.cpp"])],
        cmdclass={"build_ext": BuildExtension},
    )
    ```
    """

    code = "CAL012"
    name = "module-that-nobody-builds"
    severity = Severity.ERROR
    effect = Effect.IMPORT

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield the first import of each such module."""
        for found in misnamed_imports(analysis):
            values = {"module": found.module, "target": found.target.name}
            if found.function:
                told = state("CAL012.misnamed", name=found.function, **values)
            else:
                told = state("CAL012.unused", **values)
            say = self.finding if found.is_certain else self.unknown
            yield say(
                found.imported.location,
                told,
                symbol=found.module,
                related=[
                    Related(found.target.location, state("place.built", name=found.target.name))
                ],
                effect=Effect.IMPORT if found.imported.is_at_import else Effect.CALL,
            )
