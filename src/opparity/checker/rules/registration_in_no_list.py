"""BLD007."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.conditions import Truth
from opparity.checker.facts import Call, Finding, Registration, Related, Severity, Unknown
from opparity.checker.operators import handles_absence
from opparity.checker.rules.base import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.project import Project

_COMPILED = (".c", ".cc", ".cpp", ".cu", ".cxx", ".hip", ".mm")


class RegistrationInNoList(Rule):
    """Python calls an operator whose only registration is in a source that no list names.

    ## Why is this bad?
    The file is never compiled, so nobody registers the operator: the call raises
    `AttributeError` on every platform.

    ## Example
    `ops.def("cutlass_fp4_mm(…)")` in `fp4_entry.cu`, which CMakeLists.txt forgot.

    ## Use instead
    Add the source to the lists of the platforms that shall have the operator.
    """

    code = "BLD007"
    name = "registration-in-no-list"
    severity = Severity.WARNING

    def check(self, project: Project) -> Iterator[Finding | Unknown]:
        """Yield each call of an operator that only an unlisted source registers."""
        operators = project.operators
        unlisted = _unlisted(project)
        for path in sorted(project.python):
            for call in project.python[path].calls:
                is_ours = operators.is_ours(call.qualified)
                if is_ours or handles_absence(call) or call.library not in operators.libraries:
                    continue
                if call.operator in unlisted:
                    yield self._finding(call, unlisted[call.operator])

    def _finding(self, call: Call, registration: Registration) -> Finding:
        return self.finding(
            call.location,
            f"{call.qualified} is called here, and its only registration is in "
            f"{registration.location.path}, which no source list names",
            operator=call.qualified,
            related=[Related(registration.location, "registered here")],
        )


def _unlisted(project: Project) -> dict[str, Registration]:
    """Return the registrations of sources that no complete build of the tree compiles."""
    compiled: set[str] = set()
    for platform in project.platforms:
        for link in project.linker.links_on(platform):
            if link.is_complete is not Truth.TRUE:
                return {}
            compiled.update(each.file.path for each in link.compiled)
    folders = {path.partition("/")[0] for path in compiled}
    return {
        registration.operator: registration
        for path, file in project.native.items()
        if path not in compiled and path.endswith(_COMPILED) and path.partition("/")[0] in folders
        for registration in file.registrations
    }
