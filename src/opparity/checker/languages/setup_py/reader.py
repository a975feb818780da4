"""setup.py, op builders and JIT loaders: what each would build on each platform."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from opparity.checker import bounds
from opparity.checker.facts.builds import Build, Target
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.places import Location, Problem, problem
from opparity.checker.languages.interpreting import Budget, OutOfSteps, Steps
from opparity.checker.languages.python.syntax import parse_quietly
from opparity.checker.languages.setup_py.audience import Audience
from opparity.checker.languages.setup_py.calls import Frame
from opparity.checker.languages.setup_py.extensions import (
    NO_SOURCES,
    Extension,
    is_hollow,
    is_known,
    target_of,
)
from opparity.checker.languages.setup_py.interpreter import Interpreter
from opparity.checker.languages.setup_py.tree_paths import TreeFiles, TreePaths
from opparity.checker.languages.setup_py.values import Class, Function, Instance, Scope, weaker
from opparity.checker.languages.setup_py.world import World
from opparity.checker.languages.workers import costly
from opparity.checker.tree.contents import FileNotReadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from opparity.checker.facts.platforms import Platform
    from opparity.checker.tree.contents import Tree

# Plain texts, not expressions: an expression takes 2.0 s for flashinfer's 2,494 Python files.
_MARKS = (b"Extension(", b"cpp_extension", b"OpBuilder)")
# What may call a loader of the tree.
_LOADS = b"load("
# A file whose name says that it builds something.
_BUILDS = re.compile(r"(?:setup|build|load|jit|compile|_ext)\w*\.py$")
_SOURCES = re.compile(rb"\bsources\s*=")
_FOREIGN_FOLDER = re.compile(
    r"(?:^|/)(?:third[_-]?party|3rd_?party|extern(?:al)?|vendor|submodules|cutlass|composable_kernel"
    r"|tests?|unittests?|examples?|docs?|benchmarks?)/",
    re.IGNORECASE,
)
_DEVICE_BUILDERS = {
    "cuda": frozenset({"cuda", "rocm"}),
    "hip": frozenset({"rocm"}),
    "cpu": frozenset({"cpu"}),
    "sycl": frozenset({"xpu"}),
}
_BUILD_MODULE = re.compile(r"(?:setuptools|distutils|torch\w*\.utils|torch\.utils)\b")
_LONGEST_TEXT = 200_000
# Such a script names sources from its own folder; a loader names them from the tree's root.
_RUN_WHERE_IT_LIES = re.compile(r"(?:^|/)setup(?:[_-]\w+)?\.py$")
# An extension call, in a function that nothing calls while its module is read.
_CALL_NAMES = re.compile(r"(?:Extension|^load|^load_inline)$")


def read_setup_scripts(tree: Tree, platforms: Sequence[Platform]) -> tuple[Build, ...]:
    """Return what every build script in Python makes, for every platform."""
    files = TreeFiles(tree.files, partial(_text_of, tree))
    parse = _parser(tree)
    marked = {path for path in tree.marked(*_MARKS, _LOADS) if _is_script(tree, path)}
    scripts = [path for path in tree.python if path in marked or _is_broken(path, parse)]
    builds: list[Build] = []
    audience = Audience(tree)
    budget = Budget()
    for path in scripts:
        folder = path.rpartition("/")[0] if _RUN_WHERE_IT_LIES.search(path) else ""
        hollow: set[Location] = set()
        for platform in platforms:
            paths = TreePaths(files, folder)
            world = World(platform)
            build = _read_script(path, world, paths, parse, audience, budget, hollow)
            is_empty = not build.targets
            # A loader's module may load something else for whoever asks.
            is_loader = not _RUN_WHERE_IT_LIES.search(path)
            is_asked = is_loader and bool(world.switches or world.of_programs)
            if world.options or is_asked or (is_empty and world.switches):
                eager = World(platform, is_eager=True, versions=world.versions)
                asked = _read_script(path, eager, paths, parse, audience, budget, hollow)
                # Perhaps it builds nothing but for whoever asks (MMCV_WITH_OPS=1).
                build = asked if is_empty else _with_requested(build, asked)
            if world.versions and not build.targets and not build.problems:
                # Perhaps the newest torch is too new for it, and an older one is not.
                dated = World(platform, is_eager=bool(world.switches), is_dated=True)
                build = _read_script(path, dated, paths, parse, audience, budget, hollow)
            if build.targets or build.problems:
                builds.append(build)
        made = {t.location for build in builds if build.description == path for t in build.targets}
        for place in sorted(hollow - made) if _RUN_WHERE_IT_LIES.search(path) else ():
            # On no platform has it a source: its list lost them.
            lost = problem(place, "unread.sources")
            builds.append(Build(path, platforms[0].label, problems=(lost,)))
        if not any(build.description == path for build in builds):
            builds.extend(_nothing_found(path, parse(path), platforms[:1]))
    return _without_copies(audience.meant(builds))


def _with_requested(build: Build, asked: Build) -> Build:
    """Return a build with what it makes only where options are given: whether they are is open."""
    names = {target.name for target in build.targets}
    further = [
        replace(target, built=weaker(target.built, Truth.UNKNOWN))
        for target in asked.targets
        if target.name not in names
    ]
    return replace(build, targets=(*build.targets, *further))


def _nothing_found(
    path: str, syntax: ast.Module | None, platforms: Sequence[Platform]
) -> Iterator[Build]:
    """Yield a build that says so, where a setup.py makes extensions and none could be found."""
    if syntax is None or not path.rpartition("/")[2].startswith("setup"):
        return
    if not any(_BUILD_MODULE.match(module) for module in _imported(syntax)):
        return
    line = _line_of_extension(syntax)
    for platform in platforms if line else ():
        unknown = problem(Location(path, line), "unread.sources")
        yield Build(path, platform.label, problems=(unknown,))


def _imported(syntax: ast.Module) -> Iterator[str]:
    for node in ast.walk(syntax):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _is_script(tree: Tree, path: str) -> bool:
    if _FOREIGN_FOLDER.search(path):
        return False
    if not tree.marks[path].isdisjoint(_MARKS):
        return True
    # One that gives its list to a loader of the tree names torch's nowhere.
    return _BUILDS.search(path) is not None and _SOURCES.search(tree.read(path)) is not None


def _text_of(tree: Tree, path: str) -> str | None:
    """Return the text of a file that may be a list of sources; None for a longer one."""
    if not tree.is_readable(path) or len(tree.read(path)) > _LONGEST_TEXT:
        return None
    return tree.read_text(path)


def _is_broken(path: str, parse: Callable[[str], ast.Module | None]) -> bool:
    """Return whether a setup.py cannot be run at all, so that what it builds is not known."""
    is_own = path.rpartition("/")[2] == "setup.py" and not _FOREIGN_FOLDER.search(path)
    return is_own and parse(path) is None


def _parser(tree: Tree) -> Callable[[str], ast.Module | None]:
    parsed: dict[str, ast.Module | None] = {}

    def parse(path: str) -> ast.Module | None:
        if path not in parsed:
            try:
                text = tree.read_text(path)
                parsed[path] = bounds.share(partial(_syntax, text), lambda: None)
            except FileNotReadable:
                parsed[path] = None
        return parsed[path]

    return parse


def _syntax(text: str) -> ast.Module | None:
    try:
        return parse_quietly(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _read_script(
    path: str,
    world: World,
    paths: TreePaths,
    parse: Callable[[str], ast.Module | None],
    audience: Audience,
    budget: Budget,
    hollow: set[Location],
) -> Build:
    """Return what a script makes; the places of extensions without any source go to `hollow`."""
    platform = world.platform
    interpreter = Interpreter(paths, world, parse=parse, steps=budget.grant())
    if parse(path) is None:
        refused = problem(path, "unread.script")
        return Build(path, platform.label, problems=(refused,), is_refused=True)
    build = bounds.share(
        lambda: _built(interpreter, path, hollow),
        lambda: Build(path, platform.label, problems=(costly(path),)),
    )
    budget.settle(interpreter.steps)
    audience.note(path, interpreter.modules)
    return build


def _built(interpreter: Interpreter, path: str, hollow: set[Location]) -> Build:
    """Return what a script makes on an interpreter's platform."""
    platform = interpreter.world.platform
    problems: list[Problem] = []
    targets: list[Target] = []
    with interpreter.steps.running():
        try:
            _run(interpreter, path, platform)
        except OutOfSteps:
            problems.append(problem(path, "unread.steps", count=interpreter.steps.taken))
        except RecursionError:
            problems.append(problem(path, "unread.nested"))
    finishing = Steps()
    with finishing.running():
        try:
            targets.extend(_targets(interpreter, platform, interpreter.paths))
        except OutOfSteps:
            problems.append(problem(path, "unread.steps", count=finishing.taken))
        except RecursionError:
            problems.append(problem(path, "unread.nested"))
    interpreter.steps.taken += finishing.taken
    hollow.update(each.location for each in interpreter.extensions if is_hollow(each))
    return Build(path, platform.label, tuple(targets), problems=tuple(problems))


def _run(interpreter: Interpreter, path: str, platform: Platform) -> None:
    scope = interpreter.run_module(path)
    if scope is None:
        return
    own = [value for value in scope.names.values() if getattr(value, "path", path) == path]
    for value in own:
        if isinstance(value, Class) and _is_op_builder(value, platform):
            _build_operators(interpreter, value)
        if (
            isinstance(value, Function)
            and value.scope is scope
            and id(value.node) not in interpreter.called
            and _makes_extension(value.node)
        ):
            interpreter.invoke(value, [], {})
        if isinstance(value, Class) and value.path == path:
            _load_in_methods(interpreter, value, scope)


def _load_in_methods(interpreter: Interpreter, of: Class, module: Scope) -> None:
    """Run the loads alone that stand in a class's methods, with what their module gives them.

    What else a method does, with objects that only a program has, says nothing of them. The loader
    may be imported under whatever condition.
    """
    loading = [
        method
        for method in of.names.values()
        if isinstance(method, Function)
        and id(method.node) not in interpreter.called
        and _makes_extension(method.node)
    ]
    syntax = interpreter.parse(module.path) if loading else None
    imports = [
        node
        for node in (ast.walk(syntax) if syntax else ())
        if isinstance(node, ast.ImportFrom) and "cpp_extension" in (node.module or "")
    ]
    for method in loading:
        body = [
            node
            for node in ast.walk(method.node)
            if isinstance(node, ast.Import | ast.ImportFrom)
            or (
                isinstance(node, ast.Expr | ast.Assign)
                and isinstance(node.value, ast.Call)
                and _names_load(node.value)
            )
        ]
        frame = Frame(Scope({}, module.path, module), function=method.node)
        before = len(interpreter.extensions)
        with interpreter.undecided():
            interpreter.run_frame(frame, [*imports, *sorted(body, key=lambda node: node.lineno)])
        found = interpreter.extensions[before:]
        interpreter.extensions[before:] = [each for each in found if is_known(each)]


def _names_load(call: ast.Call) -> bool:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    return name in {"load", "load_inline"}


def _makes_extension(node: ast.AST) -> bool:
    return _line_of_extension(node) > 0


@lru_cache(maxsize=500)  # of a syntax tree that each platform's reading asks again
def _line_of_extension(node: ast.AST) -> int:
    """Return the line of a call that makes an extension from sources; 0 for none."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            name = getattr(inner.func, "attr", getattr(inner.func, "id", ""))
            if _CALL_NAMES.search(name) and name not in NO_SOURCES:
                return inner.lineno
    return 0


def _is_op_builder(value: Class, platform: Platform) -> bool:
    lineage = list(value.lineage())
    if not any("sources" in ancestor.names for ancestor in lineage):
        return False
    is_plain = False
    for ancestor in lineage:
        device, found, _ = ancestor.name.lower().partition("opbuilder")
        if found and ancestor is value:
            return False
        if found and device and not device.startswith("torch"):
            return platform.name in _DEVICE_BUILDERS.get(device, frozenset({device}))
        is_plain = is_plain or bool(found)
    return is_plain  # of code for the host alone


def _build_operators(interpreter: Interpreter, builder: Class) -> None:
    instance = interpreter.apply(builder, [])
    if not isinstance(instance, Instance):
        return
    before = len(interpreter.extensions)
    interpreter.position = Location(builder.path, _line_of_sources(builder))
    interpreter.apply(interpreter.attribute(instance, "builder"), [])
    if len(interpreter.extensions) > before:
        return
    sources = interpreter.apply(interpreter.attribute(instance, "sources"), [])
    name = interpreter.apply(interpreter.attribute(instance, "absolute_name"), [])
    location = Location(builder.path, _line_of_sources(builder))
    interpreter.extensions.append(Extension("Extension", [name, sources], {}, Truth.TRUE, location))


def _line_of_sources(builder: Class) -> int:
    sources = builder.names.get("sources")
    return sources.node.lineno if isinstance(sources, Function) else 1


def _targets(interpreter: Interpreter, platform: Platform, paths: TreePaths) -> Iterator[Target]:
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for extension in interpreter.extensions:
        target = target_of(extension, platform, paths, interpreter.copies)
        if target is None or target.built is Truth.FALSE:
            continue
        key = (target.name, tuple(source.path for source in target.sources))
        if key not in seen:
            seen.add(key)
            yield target


def _without_copies(builds: Sequence[Build]) -> tuple[Build, ...]:
    """Return the builds without targets that another script makes from the same sources.

    The one that surely makes it is kept.
    DeepSpeed's source distribution has its op_builder twice: once at the root, once installed.
    """
    best: dict[tuple[str, str, tuple[str, ...]], tuple[Build, Target]] = {}
    in_order = sorted(builds, key=lambda build: build.description.count("/"))
    for build in in_order:
        for target in build.targets:
            sources = tuple(source.path for source in target.sources)
            key = (build.platform, target.name, sources)
            if key not in best or best[key][1].built.value < target.built.value:
                best[key] = (build, target)
    kept: list[Build] = []
    for build in in_order:
        targets = tuple(target for owner, target in best.values() if owner is build)
        if targets or build.problems:
            kept.append(replace(build, targets=targets))
    return tuple(kept)
