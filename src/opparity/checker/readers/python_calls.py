"""Python files: where operators are touched, and under which guards."""

from __future__ import annotations

import ast
import os
import re
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from opparity.checker.readers.python.import_graph import read_import_graph
from opparity.checker.readers.python.interest import interest_of
from opparity.checker.readers.python.linking import Linker
from opparity.checker.readers.python.module_reader import ModuleReader
from opparity.checker.readers.python.names import Names, module_name
from opparity.checker.readers.python.records import ModuleFacts
from opparity.checker.tree import FileNotReadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.facts import PythonFile
    from opparity.checker.readers.python.import_graph import ImportGraph
    from opparity.checker.tree import Tree

_PREDICATES = re.compile(rb"\bdef _?is_(?:cuda|rocm|hip|cpu|npu|xpu|musa|mlu)\w*\s*\(")
# Tests call operators on the platform that they are run on; they are no users' code.
_NOT_SHIPPED = re.compile(
    r"(?:^|/)(?:tests?|testing|bench|benchmarks?|examples?|docs?|tools|\.\w+)/"
)
_WORTH_A_POOL = 1_500_000
_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Leads:
    """Modules that lead to operators.

    Attributes:
        extensions: the last names of extension modules.
        modules: dotted names of the tree's modules whose functions touch operators.
    """

    extensions: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()


def read_python_files(
    tree: Tree, libraries: frozenset[str], extensions: frozenset[str] = frozenset()
) -> dict[str, PythonFile]:
    """Return the facts of every Python file that touches operators, linked with each other.

    Args:
        tree: the tree.
        libraries: the namespaces that native files register operators in; who imports a module
            is followed where the module touches these.
        extensions: the last names of the extension modules that the tree builds.
    """
    shipped = [path for path in tree.python if not _NOT_SHIPPED.search(path)]
    contents = dict(_contents(tree, shipped))
    graph = read_import_graph(contents)
    marks = [mark.encode() for name in libraries for mark in (f"torch.ops.{name}", f'"{name}::')]
    touching = {path for path, content in contents.items() if _is_marked(content, marks)}
    touching.update(*(graph.outside.get(name, set()) for name in extensions))
    if not touching:
        return {}
    modules = _read({path: contents[path] for path in sorted(touching)}, Leads(extensions))
    followed = {path for path, facts in modules.items() if _needs_users(facts, libraries)}
    leads = Leads(extensions, frozenset(module_name(path) for path in followed))
    users = _users(graph, {path: modules[path] for path in followed}, contents)
    modules |= _read({path: contents[path] for path in sorted(users)}, leads)
    roots = [path for path in contents if _is_root(path, contents)]
    paths = {module_name(path): path for path in contents}
    linker = Linker(
        Names(modules, paths), graph.surely_imported(roots), frozenset(followed), extensions
    )
    return linker.files()


def _contents(tree: Tree, paths: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the files that can be read; the tree itself names the others as problems."""
    for path in paths:
        try:
            yield path, tree.read(path)
        except FileNotReadable:
            continue


def _users(
    graph: ImportGraph, followed: dict[str, ModuleFacts], contents: dict[str, bytes]
) -> set[str]:
    """Return the importers of modules that matter: they say what the modules offer.

    Where a module touches operators at import, every importer matters that may be conditional.
    """
    found: set[str] = set()
    for path, facts in followed.items():
        importers = graph.importers.get(path, set())
        if any(call.at_import for call in facts.calls):
            found |= importers
            continue
        offered = {name.partition(".")[0].encode() for name in _offered(facts)}
        found |= {
            importer
            for importer in importers
            if any(name in contents[importer] for name in offered)
        }
    return found


def _offered(facts: ModuleFacts) -> set[str]:
    """Return the functions and classes of a module that touch operators or tables."""
    inside = {call.inside for call in facts.calls} | {use.inside for use in facts.table_uses}
    return inside - {""}


def _needs_users(facts: ModuleFacts, libraries: frozenset[str]) -> bool:
    """Return whether it matters who imports a file: it touches operators for its importers.

    Either at import, or in a plain function; what methods touch is judged where it stands.
    """
    return any(
        call.library in libraries and (call.at_import or not call.inside or "." not in call.inside)
        for call in facts.calls
    ) or any(use.at_import and use.is_store for use in facts.table_uses if facts.calls)


def _is_marked(content: bytes, marks: list[bytes]) -> bool:
    # Plain texts: a search of vLLM 0.33.0's 44 MB of Python for two of them takes 0.06 s.
    return any(mark in content for mark in marks) or (
        b"def is_" in content and _PREDICATES.search(content) is not None
    )


def _is_root(path: str, contents: dict[str, bytes]) -> bool:
    """Return whether a file is a package's __init__ that lies in no package itself."""
    folder, _, name = path.rpartition("/")
    outer = folder.rpartition("/")[0]
    return name == "__init__.py" and (f"{outer}/__init__.py" if outer else "") not in contents


def _read(contents: dict[str, bytes], leads: Leads) -> dict[str, ModuleFacts]:
    sizes = sum(len(content) for content in contents.values())
    if sizes < _WORTH_A_POOL or (os.cpu_count() or 1) < _WORKERS:
        return {path: read_module(path, content, leads) for path, content in contents.items()}
    order = sorted(contents, key=lambda path: (-len(contents[path]), path))
    batches = [
        (leads, [(path, contents[path]) for path in order[start::16]]) for start in range(16)
    ]
    with ProcessPoolExecutor(max_workers=_WORKERS) as pool:
        read = {facts.path: facts for facts in chain.from_iterable(pool.map(_read_batch, batches))}
    return {path: read[path] for path in contents}


def _read_batch(batch: tuple[Leads, list[tuple[str, bytes]]]) -> list[ModuleFacts]:
    leads, files = batch
    return [read_module(path, content, leads) for path, content in files]


def read_module(path: str, content: bytes, leads: Leads) -> ModuleFacts:
    """Return what one file says, before its names are followed into others.

    Args:
        path: the file's path.
        content: its bytes.
        leads: modules that lead to operators.
    """
    text = content.decode("utf-8", errors="replace")
    try:
        with warnings.catch_warnings():
            # The tree's own invalid escapes are its business.
            warnings.simplefilter("ignore")
            syntax = ast.parse(text)
        package = tuple(module_name(path).split("."))
        if not path.endswith("__init__.py"):
            package = package[:-1]
        wanted = _bound_from(syntax, package, leads)
        return ModuleReader(
            path, package, interest_of(text, syntax, wanted), leads.extensions
        ).read(syntax)
    except (SyntaxError, ValueError) as error:
        return ModuleFacts(path, problem=f"cannot be parsed: {error}")
    except (RecursionError, MemoryError):
        return ModuleFacts(path, problem="is nested too deeply; not read")


def _bound_from(syntax: ast.Module, package: tuple[str, ...], leads: Leads) -> set[str]:
    """Return the names that a file binds from modules whose functions touch operators."""
    found: set[str] = set()
    for node in _statements(syntax):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in leads.modules or _last(alias.name) in leads.extensions:
                    found.add(alias.asname or alias.name.partition(".")[0])
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                named = {module, f"{module}.{alias.name}"}
                if named & leads.modules or alias.name in leads.extensions:
                    found.add(alias.asname or alias.name)
    return found


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _statements(syntax: ast.Module) -> Iterator[ast.stmt]:
    """Yield every statement, nested ones included, without looking into expressions."""
    waiting: list[ast.AST] = [syntax]
    while waiting:
        node = waiting.pop()
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            children = getattr(node, name, ())
            if isinstance(children, list):
                waiting.extend(children)
        if isinstance(node, ast.stmt):
            yield node
