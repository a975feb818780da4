"""What a project comes to, each part worked out when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from opparity.checker.analysis.basis import basis_of
from opparity.checker.analysis.linking import Linker
from opparity.checker.analysis.lookup import NameLookup
from opparity.checker.analysis.mentions import Mentions
from opparity.checker.analysis.operators import Operators
from opparity.checker.analysis.unregistered import Unregistered

if TYPE_CHECKING:
    from opparity.checker.analysis.basis import Basis
    from opparity.checker.analysis.project import Project


@dataclass(frozen=True)
class Analysis:
    """A project, and what its links, names and operators are."""

    project: Project

    @cached_property
    def linker(self) -> Linker:
        """Return what each target compiles and defines."""
        return Linker(self.project)

    @cached_property
    def lookup(self) -> NameLookup:
        """Return what names mean in the native files."""
        return NameLookup(self.project, self.linker)

    @cached_property
    def operators(self) -> Operators:
        """Return which operators exist on each platform."""
        return Operators(self.project, self.linker)

    @cached_property
    def unregistered(self) -> Unregistered:
        """Return what Python uses of the tree's own that nobody registers."""
        return Unregistered(self.project, self.linker, self.operators)

    @cached_property
    def basis(self) -> Basis:
        """Return what a check of the tree is based on."""
        return basis_of(self.project, self.linker, self.operators)

    @cached_property
    def mentions(self) -> Mentions:
        """Return which sources any build description names."""
        return Mentions(self.project)
