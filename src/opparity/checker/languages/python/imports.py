"""Imports of a Python file, and what they bind of the extension modules that the tree builds."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opparity.checker.languages.python.records import ImportSite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opparity.checker.languages.python.operator_uses import OperatorUses
    from opparity.checker.languages.python.passing_on import Passed
    from opparity.checker.languages.python.records import Place


@dataclass(slots=True)
class Imports:
    """Collects what a file imports.

    Attributes:
        package: the parts of the name of the package that the file is in.
        extensions: the last names of the extension modules that the tree builds.
        operators: what is told of names that extension modules give.
        passed: what modules pass on of extension modules.
        sites: what was found.
    """

    package: tuple[str, ...]
    extensions: frozenset[str]
    operators: OperatorUses
    passed: Passed = field(default_factory=dict)
    sites: list[ImportSite] = field(default_factory=list)

    def foretell(self, body: Sequence[ast.stmt]) -> None:
        """Note the extension modules that a file imports: a function may stand before the import.

        A name that several modules are imported under is known where it is bound.
        """
        found: dict[str, set[str]] = {}
        for node in _imports_at_margin(body):
            for module, name, bound in self._bound_by(node):
                last = self._extension(module, name, bound)
                if last:
                    found.setdefault(bound, set()).add(last)
        for bound, modules in found.items():
            if len(modules) == 1:
                self.operators.extensions[bound] = modules.pop()

    def read(self, node: ast.Import | ast.ImportFrom, place: Place) -> None:
        """Record what an import statement binds."""
        for module, name, bound in self._bound_by(node):
            self._add(module, name, bound, node, place)

    def _bound_by(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str, str]]:
        """Yield the module, what is taken from it ("" for itself) and the name that it gets."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, "", alias.asname or alias.name.partition(".")[0]
            return
        base = self.package[: len(self.package) - node.level + 1] if node.level else ()
        module = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            yield module, alias.name, alias.asname or alias.name

    def _add(self, module: str, name: str, bound: str, node: ast.stmt, place: Place) -> None:
        where = self.operators.at(node)
        site = ImportSite(module, name, bound, place.guards, place.inside, place.at_import, where)
        self.sites.append(site)
        if module.partition(".")[0] == "torch":
            return  # torch has a `_C` of its own
        last = self._extension(module, name, bound)
        if name in self.passed.get(module, ()):
            self.operators.passed_on(bound, self.passed[module][name], place)
        # `import a.b` binds a.
        elif name or bound == module or bound != module.partition(".")[0]:
            whole = f"{module}.{name}" if name else module
            self.operators.passing[bound] = self.passed.get(whole, {})
        if last:
            self.operators.extensions[bound] = last
        elif name and name != "*" and module.rpartition(".")[2] in self.extensions:
            self.operators.taken(module.rpartition(".")[2], name, bound, node, place)

    def _extension(self, module: str, name: str, bound: str) -> str:
        """Return the last name of the extension module that a name is bound to; "" for none."""
        last = (name or module).rpartition(".")[2]
        # `import package._C` binds the package.
        is_package = not name and "." in module and bound == module.partition(".")[0]
        is_torchs = module.partition(".")[0] == "torch"
        return last if last in self.extensions and not (is_package or is_torchs) else ""


def _imports_at_margin(body: Sequence[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports outside of functions and classes, those under a test or `try` too."""
    for node in body:
        match node:
            case ast.Import() | ast.ImportFrom():
                yield node
            case ast.If(_, then, otherwise):
                yield from _imports_at_margin((*then, *otherwise))
            case ast.Try(inner, handlers, otherwise):
                handling = (each for handler in handlers for each in handler.body)
                yield from _imports_at_margin((*inner, *handling, *otherwise))
