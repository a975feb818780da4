"""One Python file's bytes to its facts: parsed as far as it can matter, and read."""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING

from opparity.checker.facts.places import problem
from opparity.checker.facts.records import fact
from opparity.checker.languages.python.bindings import Rebound
from opparity.checker.languages.python.interest import (
    Interest,
    SearchedText,
    Wanted,
    asked_functions,
    may_answer,
    places_of_interest,
)
from opparity.checker.languages.python.module_reader import ModuleReader
from opparity.checker.languages.python.names import module_name
from opparity.checker.languages.python.pruning import blocks_of, without_bodies
from opparity.checker.languages.python.records import ModuleFacts
from opparity.checker.languages.python.syntax import parse_quietly

if TYPE_CHECKING:
    import ast
    from collections.abc import Hashable

    from opparity.checker.languages.python.passing_on import Passed
    from opparity.checker.languages.python.pruning import Block

# Whatever may be an import, one in a string or after a semicolon too.
_IMPORT = re.compile(r"import\b\s*(\([^)]*+\)?|(?:[^\n\\]++|\\\n?)*+)")
_BASE = re.compile(r"from[\s\\]*([\w.]+)[\s\\]*$")
_LONGEST_BASE = 300
_IMPORTED = re.compile(r"([\w.]+)(?:[\s\\]+as[\s\\]+(\w+))?")
_NAME = re.compile(r"\w+")
_COMMENT = re.compile(r"#[^\n]*")
# The name at the end of what stands before `:=`.
_INLINE = re.compile(r"(\w+)\s*\Z")
_LONGEST_NAME = 200
# Functions whose parameters matter: fakes, and those whose signature is a schema.
_SIGNATURES = re.compile(
    r"(?:\b(?:fake\w*|op_func|func|op)\s*=\s*\(?\s*|\bregister_fake\([^()]*,\s*)([A-Za-z_]\w*)"
)
_NONLOCAL = re.compile(r"nonlocal\b([\w\s,\\]*)")


@fact
class Leads:
    """Modules that lead to operators.

    Attributes:
        extensions: the last names of extension modules.
        modules: dotted names of the tree's modules whose functions touch operators.
        names: what in these modules does so, and what uses it there; None where that is not known.
        passed: what modules pass on of extension modules.
    """

    extensions: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    names: frozenset[str] | None = frozenset()
    passed: Passed = field(default_factory=dict)


def read_module(path: str, content: bytes, leads: Leads) -> ModuleFacts:
    """Return what one file says, before its names are followed into others.

    Args:
        path: the file's path.
        content: its bytes.
        leads: modules that lead to operators.
    """
    text = SearchedText(_text(content))
    package = _package_of(path)
    wanted = _bound(text.text, package, leads)
    try:
        syntax, interest = _parse(text, wanted)
        rebound = _rebound(text.text)
        reader = ModuleReader(path, package, interest, leads.extensions, rebound, leads.passed)
        return reader.read(syntax)
    except (SyntaxError, ValueError) as error:
        return ModuleFacts(path, problem=problem(path, "unread.python", detail=str(error)))
    except (RecursionError, MemoryError):
        return ModuleFacts(path, problem=problem(path, "unread.nested"))


def question_to(leads: Leads, path: str, content: bytes) -> Hashable:
    """Return what is asked of a file: the same leads, and others that it does not import, too."""
    wanted = _bound(_text(content), _package_of(path), leads)
    return (
        *(frozenset(wanted.names), frozenset(wanted.direct), frozenset(wanted.places)),
        frozenset(wanted.extensions),
        tuple(sorted((module, *leads.passed[module].items()) for module in wanted.passing)),
    )


def _text(content: bytes) -> str:
    return content.decode("utf-8", errors="replace")


def _package_of(path: str) -> tuple[str, ...]:
    package = tuple(module_name(path).split("."))
    return package if path.endswith("__init__.py") else package[:-1]


def _parse(text: SearchedText, wanted: Wanted) -> tuple[ast.Module, Interest]:
    """Return the syntax of a file, and what of it can matter.

    What cannot matter may have lost its body.
    """
    blocks = blocks_of(text.text)
    places = places_of_interest(text, blocks, wanted)
    asked = asked_functions(text.text, blocks, places)
    answering = [
        block.start
        for block in blocks
        if block.is_function and (block.name in asked or may_answer(block.name))
    ]

    by_name = frozenset(_SIGNATURES.findall(text.text)) if "fake" in text.text else frozenset()

    def is_idle(block: Block) -> bool:
        is_wanted = block.holds(places) or block.holds(answering) or block.name in by_name
        return not is_wanted

    # Without blocks it is not known which names stand for code that has operators.
    lines = text.lines_of(places) if blocks else tuple(range(1, text.text.count("\n") + 2))
    interest = Interest(lines, asked)
    pruned = without_bodies(text.text, blocks, is_idle)
    try:
        return parse_quietly(pruned), interest
    except SyntaxError:
        return parse_quietly(text.text), interest


def _bound(text: str, package: tuple[str, ...], leads: Leads) -> Wanted:
    """Return the names that a file may bind from modules whose functions touch operators.

    By its text: an import in a string counts too. Where such a module is imported is a place of
    interest, whatever is made of it.
    """
    found = Wanted()
    for match in _IMPORT.finditer(text):
        before = _BASE.search(text[max(0, match.start() - _LONGEST_BASE) : match.start()])
        module = _absolute(before[1], package) if before else ""
        if module in leads.modules:
            found.places.add(match.start())
        for name, alias in _IMPORTED.findall(_COMMENT.sub("", match[1])):
            if before:
                _note(found, leads, module, name, alias or name)
            else:
                _note_module(found, leads, name, alias or name.partition(".")[0])
    return found


def _note(found: Wanted, leads: Leads, module: str, name: str, bound: str) -> None:
    """Note the name that `from module import name as bound` binds, where it leads somewhere."""
    if _last(module) in leads.extensions:
        found.names.add(bound)
        found.direct.add(bound)
        found.extensions.add(_last(module))
    if name in leads.passed.get(module, ()):
        found.names.add(bound)
        found.direct.add(bound)
        found.passing.add(module)
    if f"{module}.{name}" in leads.passed:
        found.names.add(bound)
        found.passing.add(f"{module}.{name}")
    if _leads(leads, module, name):
        found.names.add(bound)
        if name in leads.extensions:
            found.direct.add(bound)
            found.extensions.add(name)


def _note_module(found: Wanted, leads: Leads, module: str, bound: str) -> None:
    """Note the name that `import module as bound` binds, where it leads somewhere."""
    if module in leads.passed:
        found.names.add(bound)
        found.passing.add(module)
    if _last(module) in leads.extensions:
        found.names.add(bound)
        found.extensions.add(_last(module))
        if bound != module.partition(".")[0] or bound == module:  # no package around it
            found.direct.add(bound)
    elif module in leads.modules:
        found.names.add(bound)


def _absolute(written: str, package: tuple[str, ...]) -> str:
    rest = written.lstrip(".")
    level = len(written) - len(rest)
    base = package[: len(package) - level + 1] if level else ()
    return ".".join([*base, *([rest] if rest else [])])


def _leads(leads: Leads, module: str, name: str) -> bool:
    """Return whether a name leads to operators, or to what a guard may ask about them."""
    if module in leads.modules and (leads.names is None or name in leads.names or may_answer(name)):
        return True
    return name in leads.extensions or f"{module}.{name}" in leads.modules


def _rebound(text: str) -> Rebound:
    """Return the names that `nonlocal` and `:=` may give another value, and some more."""
    nonlocals = {name for names in _NONLOCAL.findall(text) for name in _NAME.findall(names)}
    inline = {
        found[1]
        for before in text.split(":=")[:-1]
        if (found := _INLINE.search(before[-_LONGEST_NAME:])) is not None
    }
    return Rebound(frozenset(nonlocals), frozenset(inline))


def _last(name: str) -> str:
    return name.rpartition(".")[2]
