"""A tree's CMake build on one platform, as facts."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from opparity.checker import bounds
from opparity.checker.facts.builds import Build, Choice, MacroSetting
from opparity.checker.facts.places import Location, Problem, problem
from opparity.checker.languages.cmake.choices import alternatives
from opparity.checker.languages.cmake.commands import COMMANDS
from opparity.checker.languages.cmake.machine import Machine
from opparity.checker.languages.cmake.state import ConfigurationFailedError, LanguageAbsentError
from opparity.checker.languages.cmake.syntax import Command, If, Statement, parse_file
from opparity.checker.languages.cmake.targets import Finisher
from opparity.checker.languages.cmake.written_files import absent_source
from opparity.checker.languages.interpreting import Budget, OutOfSteps, Steps
from opparity.checker.languages.workers import costly

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from opparity.checker.facts.builds import Target
    from opparity.checker.facts.platforms import Platform
    from opparity.checker.languages.cmake.syntax import Argument
    from opparity.checker.tree.contents import Tree

    # An option's name -> its default, and where it is declared.
    Options = dict[str, tuple[str, Location]]

_FOREIGN_FOLDER = re.compile(
    r"(?:^|/)(?:third[_-]?party|3rd_?party|extern(?:al)?|vendor|submodules|cutlass|"
    r"composable_kernel|examples?|benchmarks?|docs?)/",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z_]\w*")
# Each is an evaluation (0.02 s to 0.13 s on vLLM); the most that a tree of the corpus has are the
# 20 of vllm-ascend. Where there are more, the build says so.
_MOST_CHOICES = 32
_LONGEST_TEXT = 200_000
# Tried from the newest on, where a build ends with an error.
_OLDER_VERSIONS = {"CUDA": ("12.9", "12.4", "12.0", "11.8"), "HIP": ("6.4", "6.0", "5.7")}
_PLATFORM_VALUE = re.compile(r"^(cuda|rocm|hip|cpu|xpu|sycl|npu|mlu|musa|gpu|hpu)$", re.IGNORECASE)


class CMakeReader:
    """The CMake files of a tree, parsed once and evaluated for each platform.

    Attributes:
        variants: builds with one option set otherwise, where that changes what is built.
        problems: the files that could not be parsed within bounds.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.parsed: dict[str, tuple[Statement, ...]] = {}
        self.entered: set[str] = set()
        self.words: dict[str, frozenset[str]] = {}
        self.variants: list[Build] = []
        self.problems: list[Problem] = []
        self._options: dict[tuple[str, Platform], Options] = {}
        self.budget = Budget()

    def listings(self) -> list[str]:
        """Return the CMakeLists.txt files that may start a build, the outer ones first."""
        found = [
            path
            for path in self.tree.files
            if path.rpartition("/")[2] == "CMakeLists.txt" and not _FOREIGN_FOLDER.search(path)
        ]
        return sorted(found, key=lambda name: (name.count("/"), name))

    def parse(self, path: str) -> tuple[Statement, ...] | None:
        """Return a file's statements; None where the tree has no such file."""
        if not self.tree.is_readable(path):
            return None
        if path not in self.parsed:
            self.parsed[path] = bounds.share(
                lambda: parse_file(path, self.tree.read(path)), lambda: self._give_up(path)
            )
        return self.parsed[path]

    def _give_up(self, path: str) -> tuple[Statement, ...]:
        self.problems.append(costly(path))
        return ()

    def switches(self) -> dict[str, frozenset[str]]:
        """Return the variables that are compared with platforms' names, and those names.

        Only those that are left to whoever builds: never set, set only in the cache, or set only
        where they are not.
        """
        compared: dict[str, set[str]] = {}
        assigned: set[str] = set()
        for path in sorted(self.tree.files):
            if path.endswith((".cmake", "/CMakeLists.txt")) or path == "CMakeLists.txt":
                for command in _every_command(self.parse(path) or (), with_defaults=False):
                    _note_switch(command, compared, assigned)
        return {name: frozenset(words) for name, words in compared.items() if name not in assigned}

    def read(self, platforms: Sequence[Platform]) -> list[Build]:
        """Return each root's build on each platform."""
        listings = self.listings()
        switches = self.switches() if listings else {}
        builds: list[Build] = []
        for path in listings:
            # What another build takes in by add_subdirectory is no build of its own.
            if path in self.entered or (builds and not self._is_project(path)):
                continue
            for platform in platforms:
                build, machine = self._evaluate(path, platform, switches)
                builds.append(build)
                self._options[path, platform] = machine.options
        return builds

    def vary(self, builds: Sequence[Build], platforms: Sequence[Platform]) -> list[Build]:
        """Set each option that changes a build otherwise; return the builds, perhaps with problems.

        What they become is in `variants`. Builds of other descriptions are returned as they are.
        """
        switches = self.switches()
        tested = self._tested()
        self.budget = Budget()
        of_label = {platform.label: platform for platform in platforms}
        return [self._varied(build, of_label[build.platform], switches, tested) for build in builds]

    def _varied(
        self,
        default: Build,
        platform: Platform,
        switches: dict[str, frozenset[str]],
        tested: frozenset[str],
    ) -> Build:
        """Evaluate a build once for each option that changes a target of it; return the build.

        It has a problem more where not every option was tried: there are too many, or the tree's
        steps end with it; later builds are not varied then.
        """
        options = self._options.get((default.description, platform), {})
        if not default.targets or not self.budget.left:
            return default
        choices = [
            choice
            for name, (value, location) in options.items()
            if name in tested
            for choice in alternatives(name, value, location)
        ]
        for choice in choices[:_MOST_CHOICES]:
            build, machine = self._evaluate(default.description, platform, switches, choice)
            if machine.steps.are_used_up:
                self.budget.left = 0
                stopped = problem(
                    default.description, "unread.options_stopped", platform=platform.label
                )
                return replace(default, problems=(*default.problems, stopped))
            if build.targets and build.targets != default.targets:
                self.variants.append(build)
        if len(choices) > _MOST_CHOICES:
            cut = problem(
                default.description,
                "unread.options_cut",
                count=len(choices),
                platform=platform.label,
                tried=_MOST_CHOICES,
            )
            return replace(default, problems=(*default.problems, cut))
        return default

    def _tested(self) -> frozenset[str]:
        """Return every word in the conditions and loops of the files evaluated so far."""
        for path in self.entered - self.words.keys():
            commands = _every_command(self.parse(path) or ())
            texts = [
                argument.text
                for command in commands
                if command.name in {"if", "foreach"}
                for argument in command.arguments
            ]
            self.words[path] = frozenset(_WORD.findall(" ".join(texts)))
        return frozenset().union(*self.words.values())

    def _is_project(self, path: str) -> bool:
        commands = _every_command(self.parse(path) or ())
        return any(command.name == "project" for command in commands)

    def _text_of(self, path: str) -> str | None:
        """Return the text of a file of the tree, unless it is too long for a list."""
        if not self.tree.is_readable(path) or len(self.tree.read(path)) > _LONGEST_TEXT:
            return None
        return self.tree.read_text(path)

    def _evaluate(
        self,
        root: str,
        platform: Platform,
        switches: dict[str, frozenset[str]],
        choice: Choice | None = None,
    ) -> tuple[Build, Machine]:
        """Evaluate a build; where it refuses the newest toolkit, with the newest that it takes."""
        build, machine = self._evaluate_once(root, platform, switches, choice)
        if platform.compiler_version or not build.problems or build.targets:
            return build, machine
        for version in _OLDER_VERSIONS.get(platform.language, ()):
            older = replace(platform, compiler_version=version)
            found, other = self._evaluate_once(root, older, switches, choice)
            if found.targets:
                macros = _version_macros(older, Location(root, 1))
                targets = tuple(
                    replace(target, macros=(*macros, *target.macros)) for target in found.targets
                )
                return replace(found, targets=targets), other
        return build, machine

    def _evaluate_once(
        self,
        root: str,
        platform: Platform,
        switches: dict[str, frozenset[str]],
        choice: Choice | None = None,
    ) -> tuple[Build, Machine]:
        machine = Machine(platform, switches, self.tree.files, self.parse, self._text_of)
        machine.commands = COMMANDS
        machine.chosen = {choice.name: choice.value} if choice else {}
        machine.steps = self.budget.grant()
        build = bounds.share(
            lambda: _built(machine, root, choice),
            lambda: Build(root, platform.label, problems=(costly(root),), choice=choice),
        )
        self.budget.settle(machine.steps)
        self.entered.update(machine.entered)
        return build, machine


def _built(machine: Machine, root: str, choice: Choice | None) -> Build:
    """Evaluate a build from its outermost description on."""
    label = machine.platform.label
    problems: list[Problem] = []
    try:
        with machine.steps.running():
            machine.start(root.rpartition("/")[0])
    except LanguageAbsentError:
        machine.targets.clear()
    except ConfigurationFailedError as failure:
        problems.append(problem(failure.location, "unread.build_fails", platform=label))
        machine.targets.clear()
    except OutOfSteps:
        problems.append(problem(root, "unread.steps", count=machine.steps.taken))
    except RecursionError:
        problems.append(problem(root, "unread.nested"))
    targets: list[Target] = []
    finishing = Steps()
    try:
        with finishing.running():
            targets.extend(_targets(machine))
    except OutOfSteps:
        problems.append(problem(root, "unread.steps", count=finishing.taken))
    machine.steps.taken += finishing.taken
    return Build(root, label, tuple(targets), tuple(problems), choice=choice)


def _targets(machine: Machine) -> Iterator[Target]:
    finisher = Finisher(
        machine.targets,
        machine.source_properties,
        machine.resolve_source,
        partial(absent_source, machine),
        machine.compiles,
    )
    for state in machine.targets.values():
        if state.kind not in {"interface", "imported"}:
            yield finisher.finish(state)


def _version_macros(platform: Platform, location: Location) -> tuple[MacroSetting, ...]:
    """Return what the toolkit's version is for sources."""
    if platform.language != "CUDA":
        return ()
    major, _, minor = platform.compiler_version.partition(".")
    number = str(int(major) * 1000 + int(minor) * 10)
    languages = frozenset({"CUDA"})
    return tuple(
        MacroSetting(name, value, location, languages)
        for name, value in (
            ("CUDA_VERSION", number),
            ("CUDART_VERSION", number),
            ("__CUDACC_VER_MAJOR__", major),
            ("__CUDACC_VER_MINOR__", minor),
        )
    )


def _every_command(
    statements: Iterable[Statement], *, with_defaults: bool = True
) -> Iterator[Command]:
    """Yield every command; without defaults, none that sets what its own `if` finds not set."""
    pending = list(statements)
    while pending:
        statement = pending.pop()
        if isinstance(statement, Command):
            yield statement
        elif isinstance(statement, If):
            for branch in statement.branches:
                if branch.condition is not None:
                    yield Command("if", branch.condition, branch.location)
                asked = [] if with_defaults else _asked_for(branch.condition)
                pending.extend(each for each in branch.body if not _sets_one_of(each, asked))
        else:
            yield statement.opening
            pending.extend(statement.body)


def _asked_for(condition: Sequence[Argument] | None) -> list[str]:
    """Return the variables that a condition finds not set: `NOT X`, `NOT DEFINED X`."""
    texts = [each.text for each in condition or () if each.text != "DEFINED"]
    return [text for word, text in pairwise(texts) if word == "NOT"]


def _sets_one_of(statement: Statement, names: list[str]) -> bool:
    if not isinstance(statement, Command) or statement.name != "set" or not statement.arguments:
        return False
    return statement.arguments[0].text in names


def _note_switch(command: Command, compared: dict[str, set[str]], assigned: set[str]) -> None:
    texts = [argument.text for argument in command.arguments]
    is_set = command.name == "set" and len(texts) > 1 and "CACHE" not in texts
    # A variable that is set from itself (its case changed) is still the person's choice.
    if is_set and not any(f"${{{texts[0]}}}" in text for text in texts[1:]):
        assigned.add(texts[0])
    if command.name == "if":
        for left, operator, right in zip(texts, texts[1:], texts[2:], strict=False):
            if operator in {"STREQUAL", "MATCHES", "EQUAL"} and _PLATFORM_VALUE.match(right):
                name = left.removeprefix("${").removesuffix("}")
                compared.setdefault(name, set()).add(right)
