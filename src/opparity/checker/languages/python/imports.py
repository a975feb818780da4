"""Imports of a Python file, and what they bind of the extension modules that the tree builds."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opparity.checker.languages.python.records import ImportSite

if TYPE_CHECKING:
    from opparity.checker.languages.python.operator_uses import OperatorUses
    from opparity.checker.languages.python.records import Place


@dataclass(slots=True)
class Imports:
    """Collects what a file imports.

    Attributes:
        package: the parts of the name of the package that the file is in.
        extensions: the last names of the extension modules that the tree builds.
        operators: what is told of names that extension modules give.
        sites: what was found.
    """

    package: tuple[str, ...]
    extensions: frozenset[str]
    operators: OperatorUses
    sites: list[ImportSite] = field(default_factory=list)

    def read(self, node: ast.Import | ast.ImportFrom, place: Place) -> None:
        """Record what an import statement binds."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                self._add(alias.name, "", bound, node, place)
            return
        base = self.package[: len(self.package) - node.level + 1] if node.level else ()
        module = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            self._add(module, alias.name, alias.asname or alias.name, node, place)

    def _add(self, module: str, name: str, bound: str, node: ast.stmt, place: Place) -> None:
        where = self.operators.at(node)
        site = ImportSite(module, name, bound, place.guards, place.inside, place.at_import, where)
        self.sites.append(site)
        if module.partition(".")[0] == "torch":
            return  # torch has a `_C` of its own
        last = (name or module).rpartition(".")[2]
        # `import package._C` binds the package.
        is_package = not name and "." in module and bound == module.partition(".")[0]
        if last in self.extensions and not is_package:
            self.operators.extensions[bound] = last
        elif name and name != "*" and module.rpartition(".")[2] in self.extensions:
            self.operators.taken(module.rpartition(".")[2], name, bound, node, place)
