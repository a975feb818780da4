"""BLD007."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from opparity.checker.analysis.guards import handles_failure, tests_operator
from opparity.checker.facts.places import Related
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import Registration
    from opparity.checker.facts.python import Call


class RegistrationInNoList(Rule):
    """Python calls an operator whose only registration is in a source that no list names.

    ## Why is this bad?
    The file is never compiled, so nobody registers the operator: the call raises
    `AttributeError` on every platform.

    ## Example
    `ops.def("cutlass_fp4_mm(…)")` in `fp4_entry.cu`, which CMakeLists.txt forgot.

    ## Use instead
    Add the source to the lists of the platforms that shall have the operator.

    ## Before and after
    Before, in `setup.py`:

    ```python
    setup(
        name="little",
        ext_modules=[
            CUDAExtension(
                name="little_py",
                sources=[
                    os.path.join(cur_dir, "codegen/embedding_forward_host.cpp"),
                ],
            )
        ],
        cmdclass={"build_ext": BuildExtension},
    )
    ```

    After:

    ```python
    setup(
        name="little",
        ext_modules=[
            CUDAExtension(
                name="little_py",
                sources=[
                    os.path.join(cur_dir, "codegen/embedding_forward_host.cpp"),
                    os.path.join(cur_dir, "codegen/embedding_bounds_check_host.cpp"),
                    os.path.join(cur_dir, "codegen/embedding_bounds_check.cu"),
                ],
            )
        ],
        cmdclass={"build_ext": BuildExtension},
    )
    ```
    """

    code = "BLD007"
    name = "registration-in-no-list"
    severity = Severity.ERROR
    effect = Effect.CALL

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each call of an operator that only an unlisted source registers."""
        operators = analysis.operators
        unlisted = _unlisted(analysis)
        for path in sorted(analysis.project.python):
            for call in analysis.project.python[path].calls:
                is_ours = operators.is_ours(call.qualified) or call.qualified in operators.python
                if is_ours or handles_failure(call) or call.library not in operators.libraries:
                    continue
                registration = unlisted.get(call.operator)
                if registration and analysis.mentions.is_unlisted(registration.location.path):
                    yield self._finding(call, registration)

    def _finding(self, call: Call, registration: Registration) -> Finding:
        is_guarded = any(tests_operator(guard.condition) for guard in call.guards)
        return self.finding(
            call.location,
            state("BLD007.called", operator=call.qualified, source=registration.location.path),
            operator=call.qualified,
            symbol=registration.symbol,
            related=[Related(registration.location, state("place.registered"))],
            severity=Severity.WARNING if is_guarded or call.through else Severity.ERROR,
        )


def _unlisted(analysis: Analysis) -> dict[str, Registration]:
    """Return the registrations of sources that no build compiles, though it lists their folders."""
    compiled: set[str] = set()
    listed: set[str] = set()
    for platform in analysis.project.platforms:
        for link in analysis.linker.links_on(platform):
            compiled.update(each.file.path for each in link.compiled)
            listed.update(each.file.path for each in link.compiled if each.is_listed)
    folders = {posixpath.dirname(path) for path in listed}
    return {
        registration.operator: registration
        for path, file in analysis.project.native.items()
        if path not in compiled and posixpath.dirname(path) in folders
        for registration in file.registrations
    }
