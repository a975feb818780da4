"""What a check is based on: how much of a tree was understood, and what could not be followed."""

from __future__ import annotations

import re
from dataclasses import fields
from functools import cached_property
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.records import fact
from opparity.checker.languages.detection import COMPILED, NOT_SHIPPED, build_descriptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opparity.checker.analysis.linking import Linker
    from opparity.checker.analysis.loose_ends import LooseEnd, LooseEnds
    from opparity.checker.analysis.module_reads import ModuleReads
    from opparity.checker.analysis.operators import Operators
    from opparity.checker.analysis.project import Project
    from opparity.checker.facts.builds import Target
    from opparity.checker.facts.native import Unfollowed
    from opparity.checker.facts.places import Location

# The namespaces of torch, of its compilers and of its own projects.
_OF_TORCH = frozenset(
    {"aten", "prim", "prims", "rngprims", "debugprims", "quantized", "_quantized", "mkl", "mkldnn"}
    | {"onednn", "inductor", "inductor_prims", "c10d", "_c10d_functional", "c10d_functional"}
    | {"_c10d_functional_autograd", "symm_mem", "sparse", "static_runtime", "profiler", "_test"}
    | {"quantized_decomposed", "higher_order", "fsdp", "_nnapi", "rocm", "xpu_quantized", "nccl"}
    | {"torchvision", "torchaudio", "loaded_libraries", "load_library", "import_module", "_dir"}
)
_COMPILERS = (b"nvrtcCreateProgram", b"hiprtcCreateProgram", b"nvrtcCompileProgram")
_NO_CODE = re.compile(
    rb"""\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?|#[^\n]*"""
)


@fact
class Extension:
    """A library that some platform's build makes.

    Attributes:
        platforms: the labels of those platforms.
        sources: how many of its sources the tree has, on all of them together.
        is_complete: FALSE where it has sources from outside the tree as well, UNKNOWN where its
            list could not be worked out to its end.
    """

    name: str
    kind: str
    location: Location
    platforms: tuple[str, ...]
    sources: int
    is_complete: Truth


@fact
class Basis:
    """What was understood of a tree, on all platforms that it knows, and what was not.

    Attributes:
        extensions: the libraries that are built ahead of time, by name.
        sources: the tree's own sources: what a compiler would be given.
        listed: the files that some platform's build compiles, programs' and included ones too.
        compiled: those of the tree's own sources that some build compiles ahead of time.
        registrations: how many the tree has, native and Python's.
        operators: how many it registers; and
        calls: how many uses of them Python has.
        compilers: the files that compile native code while they run.
        compiled_at_run_time: the tree's own sources that are compiled so.
        open_lists: the libraries whose sources could not be worked out to the end of the list.
        unlisted: the tree's own sources that no list names and no file includes.
        unfollowed: the registrations by unknown macros or functions, or under computed names.
        unregistered: the operators that Python calls and nobody here registers, each with a file.
        unparsed: the Python files that touch no operator by their text, and do not parse.
        loose_ends: the functions without a body, or that nothing uses.
        binding_files: the tree's own files that register operators.
        understands_a_build: some build makes something of sources that the tree has.
        is_empty: the tree has nothing that a check is about.
    """

    project: str
    extensions: tuple[Extension, ...] = ()
    sources: tuple[str, ...] = ()
    listed: frozenset[str] = frozenset()
    compiled: tuple[str, ...] = ()
    registrations: int = 0
    operators: int = 0
    calls: int = 0
    compilers: tuple[str, ...] = ()
    compiled_at_run_time: tuple[str, ...] = ()
    open_lists: tuple[Extension, ...] = ()
    unlisted: tuple[str, ...] = ()
    unfollowed: tuple[Unfollowed, ...] = ()
    unregistered: tuple[tuple[str, str], ...] = ()
    unparsed: tuple[str, ...] = ()
    loose_ends: tuple[LooseEnd, ...] = ()
    binding_files: tuple[str, ...] = ()
    understands_a_build: bool = False
    is_empty: bool = False


def basis_of(
    project: Project,
    linker: Linker,
    operators: Operators,
    loose: LooseEnds,
    read: Sequence[ModuleReads],
) -> Basis:
    """Return what a check is based on; `read` is what Python reads of modules by whole names."""
    found = _Understanding(project, linker, operators, loose, read)
    names = [each.name for each in fields(Basis) if each.name != "project"]
    return Basis(project.name, **{name: getattr(found, name) for name in names})


class _Understanding:
    """Works the parts of a basis out."""

    def __init__(
        self,
        project: Project,
        linker: Linker,
        operators: Operators,
        loose: LooseEnds,
        read: Sequence[ModuleReads],
    ) -> None:
        self.read = read
        self.project = project
        self.linker = linker
        self.registered = operators
        self.loose = loose

    # ---- understood

    @cached_property
    def extensions(self) -> tuple[Extension, ...]:
        """Return the libraries that are built ahead of time, by name."""
        return tuple(each for each in self._libraries if each.kind != "jit")

    @cached_property
    def _libraries(self) -> tuple[Extension, ...]:
        found: dict[tuple[str, Location], list[tuple[str, Target]]] = {}
        for label, target in self._targets():
            if target.kind != "executable" and target.built is not Truth.FALSE:
                found.setdefault((target.name, target.location), []).append((label, target))
        return tuple(
            Extension(
                name,
                targets[0][1].kind,
                location,
                tuple(dict.fromkeys(label for label, _ in targets)),
                len({source.path for _, target in targets for source in target.sources}),
                _worst([target.is_complete for _, target in targets]),
            )
            for (name, location), targets in sorted(found.items())
        )

    def _targets(self) -> Iterator[tuple[str, Target]]:
        for platform in self.project.platforms:
            for target in self.project.targets_on(platform):
                yield platform.label, target

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Return the tree's own sources: what a compiler would be given."""
        return tuple(
            path
            for path in self.project.native
            if path.endswith(COMPILED) and not NOT_SHIPPED.search(path)
        )

    @cached_property
    def listed(self) -> frozenset[str]:
        """Return the files that some platform's build compiles, programs' and included ones too."""
        found = {source.path for _, target in self._targets() for source in target.sources}
        for platform in self.project.platforms:
            for link in self.linker.links_on(platform):
                found.update(part.file.path for part in link.compiled)
        return frozenset(found)

    @cached_property
    def compiled(self) -> tuple[str, ...]:
        """Return those of the tree's own sources that some build compiles ahead of time."""
        at_run_time = frozenset(self.compiled_at_run_time)
        return tuple(path for path in self.sources if path in self.listed - at_run_time)

    @cached_property
    def registrations(self) -> int:
        """Return how many registrations the tree has, native and Python's."""
        return len(self.project.registrations) + sum(
            len(file.registrations) for file in self.project.python.values()
        )

    @cached_property
    def operators(self) -> int:
        """Return how many operators the tree registers."""
        return len(self.registered.known.keys() | self.registered.python.keys())

    @cached_property
    def calls(self) -> int:
        """Return how many uses of them Python has."""
        called = [call for call in self.registered.every_touch() if not call.through]
        names = {call.qualified for call in called}
        read = {
            f"{module.module.rpartition('.')[2]}::{each.name}"
            for module in self.read
            for each in module.needed
        }
        return len(called) + len((read & self.registered.known.keys()) - names)

    # ---- compiled while the program runs

    @cached_property
    def compilers(self) -> tuple[str, ...]:
        """Return the files that compile native code while they run."""
        scripts = [path for path, text in self.project.texts.items() if text.compiles]
        tree = self.project.tree
        native = [
            path
            for path in self.project.native
            if not NOT_SHIPPED.search(path) and any(mark in tree.read(path) for mark in _COMPILERS)
        ]
        return tuple(sorted([*scripts, *native]))

    @cached_property
    def compiled_at_run_time(self) -> tuple[str, ...]:
        """Return the tree's own sources that are compiled while the program runs."""
        jit = {
            source.path
            for _, target in self._targets()
            if target.kind == "jit"
            for source in target.sources
        }
        ahead = {
            source.path
            for _, target in self._targets()
            if target.kind != "jit"
            for source in target.sources
        }
        # Where nothing at all is built ahead, whatever there is, is for the compiler that there is;
        # but a loader's list that is known names all bindings that it compiles.
        if self.compilers and not (ahead or self.extensions or self._has_problems()):
            left = {path for path in self.binding_files if path not in jit} if jit else set()
            return tuple(path for path in self.sources if path not in left)
        names = {
            name.decode(errors="replace").rpartition("/")[2]
            for text in self.project.texts.values()
            for name in text.sources
        }
        named = {path for path in self.sources if path.rpartition("/")[2] in names}
        return tuple(sorted((jit | named) - ahead))

    def _has_problems(self) -> bool:
        """Return whether some build description could not be read to its end."""
        return any(build.problems for build in self.project.builds)

    # ---- not followed

    @cached_property
    def open_lists(self) -> tuple[Extension, ...]:
        """Return the libraries whose sources could not be worked out to the end of the list."""
        return tuple(each for each in self._libraries if each.is_complete is Truth.UNKNOWN)

    @cached_property
    def unlisted(self) -> tuple[str, ...]:
        """Return the tree's own sources that no list names and no file includes."""
        offered = (target for build in self.project.variants for target in build.targets)
        optional = {source.path for target in offered for source in target.sources}
        taken = self.listed | optional | set(self.compiled_at_run_time)
        included = {
            include.path.rpartition("/")[2]
            for path in self.listed
            if path in self.project.native
            for include in self.project.native[path].includes
        }
        return tuple(
            path
            for path in self.sources
            if path not in taken and path.rpartition("/")[2] not in included
        )

    @cached_property
    def unfollowed(self) -> tuple[Unfollowed, ...]:
        """Return the registrations by unknown macros or functions, or under computed names."""
        return tuple(
            each
            for files in (self.project.native, self.project.python)
            for path, file in files.items()
            if not NOT_SHIPPED.search(path)
            for each in file.unfollowed
        )

    @cached_property
    def unregistered(self) -> tuple[tuple[str, str], ...]:
        """Return the operators that Python calls and nobody here registers, each with a file."""
        defined = {
            operator.decode()
            for text in self.project.texts.values()
            for _, operator in text.definitions
        }
        found: dict[str, str] = {}
        for path, text in sorted(self.project.texts.items()):
            foreign: dict[str, bytes] = {}
            for library, operator in text.uses:
                name = f"{library.decode()}::{operator.decode()}"
                is_own = operator.decode() in defined or self.registered.is_anywhere(name)
                is_new = operator and not is_own and name not in found
                if is_new and library.decode() not in _OF_TORCH:
                    foreign[name] = b"torch.ops." + library + b"." + operator
            # A docstring may speak of an operator, too.
            code = _NO_CODE.sub(b"", self.project.tree.read(path)) if foreign else b""
            found |= {name: path for name, written in foreign.items() if written in code}
        return tuple(sorted(found.items()))

    @property
    def unparsed(self) -> tuple[str, ...]:
        """Return the Python files that do not parse, but for those that are named as problems."""
        told = {each.location.path for each in self.project.problems}
        return tuple(
            path
            for path in self.project.unparsed
            if path not in told and not NOT_SHIPPED.search(path)
        )

    @cached_property
    def loose_ends(self) -> tuple[LooseEnd, ...]:
        """Return the functions without a body, or that nothing uses."""
        return self.loose.every()

    # ---- at all

    @property
    def is_empty(self) -> bool:
        """Return whether the tree has nothing that a check is about."""
        return not (
            self.project.native
            or build_descriptions(self.project.tree)
            or any(text.is_about_operators for text in self.project.texts.values())
        )

    @cached_property
    def binding_files(self) -> tuple[str, ...]:
        """Return the tree's own files that register operators."""
        return tuple(
            path
            for path, file in self.project.native.items()
            if (file.registrations or file.unfollowed) and not NOT_SHIPPED.search(path)
        )

    @property
    def understands_a_build(self) -> bool:
        """Return whether some build makes a library of sources that the tree has, or a program."""
        return any(target.sources for _, target in self._targets())


def _worst(truths: list[Truth]) -> Truth:
    if Truth.UNKNOWN in truths:
        return Truth.UNKNOWN
    return Truth.FALSE if Truth.FALSE in truths else Truth.TRUE
