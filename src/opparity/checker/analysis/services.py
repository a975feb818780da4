"""What a project comes to, each part worked out when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from opparity.checker.analysis.absent_sources import AbsentSources
from opparity.checker.analysis.attributes import Attributes
from opparity.checker.analysis.basis import basis_of
from opparity.checker.analysis.constructors import Constructors
from opparity.checker.analysis.further_uses import FurtherUsesOfFiles
from opparity.checker.analysis.heads import Heads
from opparity.checker.analysis.initialising import Initialising
from opparity.checker.analysis.linking import Linker
from opparity.checker.analysis.lookup import NameLookup
from opparity.checker.analysis.loose_ends import LooseEnds
from opparity.checker.analysis.macros import (
    defined_by_somebody,
    is_foreign,
    named_in_cmake,
    platform_of_macro,
)
from opparity.checker.analysis.mentions import Mentions
from opparity.checker.analysis.module_copies import ModuleCopies
from opparity.checker.analysis.module_reads import modules_read
from opparity.checker.analysis.operators import Operators
from opparity.checker.analysis.other_versions import OtherVersions
from opparity.checker.analysis.pasted_names import Pasted
from opparity.checker.analysis.seen import SeenBySources
from opparity.checker.analysis.spelling import Suggestions
from opparity.checker.analysis.translation import TORCH_MACROS
from opparity.checker.analysis.unregistered import Unregistered
from opparity.checker.languages.python.implementing import implementing_words
from opparity.checker.languages.python.loading import names_of_loaded, read_module_loads
from opparity.checker.languages.setup_py.build_requirements import missing_torch

if TYPE_CHECKING:
    from opparity.checker.analysis.basis import Basis
    from opparity.checker.analysis.module_reads import ModuleReads
    from opparity.checker.analysis.project import Project
    from opparity.checker.facts.builds import MissingTorch
    from opparity.checker.facts.native import MacroTest
    from opparity.checker.languages.python.loading import ModuleLoad


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
    def attributes(self) -> Attributes:
        """Return what Python reads of objects by name."""
        return Attributes(self.project)

    @cached_property
    def own_macros(self) -> frozenset[str]:
        """Return the macros that the tree's builds or files define."""
        return defined_by_somebody(self.project)

    @cached_property
    def macros_of_builds(self) -> frozenset[str]:
        """Return the macros that CMake's commands name, whatever option has to be set."""
        return named_in_cmake(self.project)

    @cached_property
    def known_macros(self) -> frozenset[str]:
        """Return the macros that the tree or torch defines."""
        return self.own_macros | TORCH_MACROS

    @cached_property
    def undefined_macros(self) -> tuple[MacroTest, ...]:
        """Return the first test in each compiled file of a platform's macro that nobody defines."""
        compiled = {
            part.file.path
            for platform in self.project.platforms
            for link in self.linker.links_on(platform)
            for part in link.compiled
        }
        found: dict[tuple[str, str], MacroTest] = {}
        # What a command defines counts, whatever option has to be set for it.
        named = self.known_macros | self.macros_of_builds
        for path in sorted(compiled):
            for test in self.project.native[path].macro_tests:
                is_known = test.name in named or is_foreign(test.name)
                if platform_of_macro(test.name) and not is_known:
                    found.setdefault((path, test.name), test)
        return tuple(found.values())

    @cached_property
    def basis(self) -> Basis:
        """Return what a check of the tree is based on."""
        return basis_of(
            self.project,
            self.linker,
            self.operators,
            LooseEnds(self.project, self.heads, self.pasted),
            self.modules_read,
        )

    @cached_property
    def module_loads(self) -> tuple[ModuleLoad, ...]:
        """Return where Python loads the modules that are built on demand."""
        targets = (t for each in self.project.platforms for t in self.project.targets_on(each))
        names = {target.name for target in targets if target.kind == "jit"}
        return read_module_loads(self.project.tree, names)

    @cached_property
    def modules_read(self) -> tuple[ModuleReads, ...]:
        """Return what Python reads of extension modules by their names."""
        return tuple(modules_read(self.project, self.linker))

    @cached_property
    def module_copies(self) -> ModuleCopies:
        """Return what tells apart the modules that several builds make under one name."""
        return ModuleCopies(self.project, self.linker)

    @cached_property
    def loaded_names(self) -> frozenset[str]:
        """Return what may be the name of a library that Python loads."""
        return names_of_loaded(self.project.tree)

    @cached_property
    def missing_torch(self) -> dict[str, MissingTorch]:
        """Return what each setup.py lacks that pip builds in isolation."""
        scripts = {each.description for each in self.project.builds}
        found = {
            script: missing_torch(self.project.tree, script)
            for script in sorted(scripts)
            if script.rpartition("/")[2] == "setup.py"
        }
        return {script: missing for script, missing in found.items() if missing is not None}

    @cached_property
    def implementing_words(self) -> frozenset[str]:
        """Return every word of the Python files that implement operators."""
        return implementing_words(self.project.tree)

    @cached_property
    def further_uses(self) -> FurtherUsesOfFiles:
        """Return which methods native files call, and which functions they pass on."""
        return FurtherUsesOfFiles(self.project)

    @cached_property
    def constructors(self) -> Constructors:
        """Return what finds the constructors that targets lack."""
        return Constructors(self.project, self.linker)

    @cached_property
    def seen_by_sources(self) -> SeenBySources:
        """Return what tells which functions sources see."""
        return SeenBySources(self.project, self.linker)

    @cached_property
    def initialising(self) -> Initialising:
        """Return what tells whether a library may have an init function that was not read."""
        return Initialising(self.project, self.linker)

    @cached_property
    def other_versions(self) -> OtherVersions:
        """Return what targets are with other versions of their tools."""
        return OtherVersions()

    @cached_property
    def heads(self) -> Heads:
        """Return what answers whether a file looks as if it defined a function."""
        return Heads(self.project.tree)

    @cached_property
    def pasted(self) -> Pasted:
        """Return what answers whether a macro may make a function."""
        return Pasted(self.project)

    @cached_property
    def suggestions(self) -> Suggestions:
        """Return what finds names like others."""
        return Suggestions()

    @cached_property
    def absent_sources(self) -> AbsentSources:
        """Return what tells of the sources that builds list and the tree lacks."""
        return AbsentSources(self.project, self.mentions)

    @cached_property
    def mentions(self) -> Mentions:
        """Return which sources any build description names."""
        return Mentions(self.project)
