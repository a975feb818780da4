"""What the checker understands of every little project, as people would read it, is written down.

A project's expected.json says what is found in it. Its file below __snapshots__ says the rest: each
sentence, each answer of the matrix with its places, what the builds make, and how Python uses it.
`pytest tests/checker/rules/test_what_is_understood.py --snapshot-update` writes them anew; what
changes is then read in the diff.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from opparity.checker.analysis.matrix import build_matrix
from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.facts.conditions import NEVER, describe
from opparity.checker.facts.platforms import parse_platform
from opparity.checker.reports import Show
from opparity.checker.reports.text import render_for
from opparity.checker.results.inspection import inspect_project
from opparity.checker.results.request import Request
from opparity.checker.tree.opening import open_tree
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syrupy.assertion import SnapshotAssertion

    from opparity.checker.analysis.matrix import Answer
    from opparity.checker.analysis.project import Project
    from opparity.checker.facts.builds import MacroSetting, Target
    from opparity.checker.facts.native import Declaration, Definition, Parameter, Registration
    from opparity.checker.facts.python import Call, Guard

ROOT = Path(__file__).parents[2] / "projects"
PROJECTS = sorted(ROOT.rglob("expected.json"))


class Understood(SingleFileSnapshotExtension):
    """One text a project."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


def name_of(expected: Path) -> str:
    return expected.parent.relative_to(ROOT).as_posix().replace("/", ".")


def lines_of_builds(project: Project) -> Iterator[str]:
    for build in (*project.builds, *project.variants):
        choice = build.choice
        how = f" with {choice} from line {choice.location.line}" if choice else ""
        offered = " (offered)" * bool(choice and choice.is_offered)
        refused = " (refused)" * build.is_refused
        yield f"{build.description} on {build.platform}{how}{offered}{refused}"
        for target in build.targets:
            yield from lines_of_target(target)
        yield from (
            f"  not understood: {each.location} {english(each.reason)}" for each in build.problems
        )


def lines_of_target(target: Target) -> Iterator[str]:
    hidden = " hidden" * target.is_hidden
    yield (
        f"  {target.kind} {target.name} from line {target.location.line}:"
        f" built {target.built.name}, complete {target.is_complete.name}{hidden}"
    )
    for source in target.sources:
        yield f"    {source.path} from line {source.location.line}: {source.built.name}"
    yield from (f"    links {name}" for name in target.links)
    yield from (f"    {line_of_macro(macro)}" for macro in target.macros)


def line_of_macro(macro: MacroSetting) -> str:
    flag = "-U" if macro.removed else "-D"
    only = " ".join((*sorted(macro.languages), *sorted(macro.sources))) or "everything"
    return f"{flag}{macro.name}={macro.value} for {only}: {macro.is_set.name}"


def lines_of_native(project: Project) -> Iterator[str]:
    for path, file in sorted(project.native.items()):
        for declaration in (*file.declarations, *file.templates):
            yield f"{path}:{declaration.location.line} {line_of_function(declaration)}"
        for definition in file.definitions:
            arguments = f" <{', '.join(definition.arguments)}>" * bool(definition.arguments)
            end = f"{arguments} to line {definition.end_line}"
            yield f"{path}:{definition.location.line} {line_of_function(definition)}{end}"
        for each in file.registrations:
            yield f"{path}:{each.location.line} {line_of_registration(each)}"
        for test in file.macro_tests:
            yield f"{path}:{test.location.line} tests {test.name}"


def line_of_registration(one: Registration) -> str:
    given = ", ".join((*one.argument_names, f"{one.argument_defaults} defaults"))
    words = [
        f"{one.kind.value} {one.qualified} ({one.style})",
        one.schema,
        f"for {one.key}" * bool(one.key),
        f"as {one.symbol}" * bool(one.symbol),
        f"with {', '.join(one.mentioned)}" * bool(one.mentioned),
        f"given {given}" * bool(one.argument_names),
        f"in {'::'.join(one.scope)}" * bool(one.scope),
        f"by {one.helper}" * bool(one.helper),
        f"taking {typed(one.parameters)}" if one.parameters is not None else "",
        describe(one.condition),
    ]
    return " ".join(filter(None, words))


def typed(parameters: tuple[Parameter, ...]) -> str:
    return f"({', '.join(f'{each.type} {each.name}'.strip() for each in parameters)})"


def line_of_function(function: Declaration | Definition) -> str:
    signature = function.signature
    flags = [
        name.removeprefix("is_")
        for name in (each.name for each in fields(function))
        if name.startswith("is_") and getattr(function, name)
    ]
    words = [
        type(function).__name__.lower(),
        signature.qualified + typed(signature.parameters),
        *flags,
    ]
    return " ".join((*words, describe(function.condition)))


def lines_of_python(project: Project) -> Iterator[str]:
    for path, file in sorted(project.python.items()):
        for call in file.calls:
            yield f"{path}:{call.location.line} {line_of_call(call)}"
        for one in file.registrations:
            plain = " plainly" * one.is_definition
            yield (
                f"{path}:{one.location.line} defines {one.library}::{one.operator}{plain}"
                f" in {one.inside or 'the module'} {one.schema} {one.parameters or ''}"
                f"{guarded(one.guards)}"
            )
        for fake in file.fakes:
            faked = f"{fake.library}::{fake.operator} {fake.parameters or ''}"
            yield f"{path}:{fake.location.line} fakes {faked}{guarded(fake.guards)}"
        for use in file.table_uses:
            verb = "stores" if use.is_store else "reads"
            place = f"in {use.inside or 'the module'}" + f" through {use.through}" * bool(
                use.through
            )
            yield (
                f"{path}:{use.location.line} {verb} {use.table}[{use.key}] {use.function} {place}"
                f"{guarded(use.guards)}"
            )
        yield from (f"{path} uses {name}" for name in sorted(file.used))
        yield from (f"{path} not followed: {each}" for each in file.unfollowed)


def line_of_call(call: Call) -> str:
    words = [
        f"{call.kind.value} {call.qualified}{f'.{call.overload}' * bool(call.overload)}",
        f"in {call.inside or 'the module'}",
        f"with {call.argument_count} arguments",
        *(f"{name}=" for name in call.keywords),
        f"through {call.through} as {call.named}" * bool(call.through or call.named),
        f"imported under {describe(call.imported)}" * (call.imported != NEVER),
        f"shared under {describe(call.shared)}" * (call.shared != NEVER),
    ]
    flags = ("at_import", "is_compared", "of_module", "is_compiled")
    words += [flag for flag in flags if getattr(call, flag)]
    return " ".join(filter(None, words)) + guarded(call.guards) + guarded(call.bound, "; bound")


def guarded(guards: tuple[Guard, ...], word: str = ";") -> str:
    return "".join(f"{word} line {g.location.line}: {describe(g.condition)}" for g in guards)


def lines_of_matrix(analysis: Analysis) -> Iterator[str]:
    matrix = build_matrix(analysis)
    for row in matrix.rows:
        yield " ".join((row.operator, *row.symbols))
        for platform, cell in zip(matrix.platforms, row.cells, strict=True):
            implemented = [(f"implemented for {key}", answer) for key, answer in cell.implemented]
            for name, answer in (
                ("declared", cell.declared),
                ("defined", cell.defined),
                *implemented,
                ("built", cell.built),
                ("called", cell.called),
            ):
                yield f"  {platform} {name}: {answered(answer)}"


def answered(answer: Answer) -> str:
    places = (f" {each.location.path}:{each.location.line}" for each in answer.places)
    return answer.truth.name + "".join(places)


@pytest.mark.parametrize("expected", PROJECTS, ids=name_of)
def test_a_project_is_understood_as_it_was(expected: Path, snapshot: SnapshotAssertion) -> None:
    platforms = [parse_platform(each) for each in json.loads(expected.read_text())["platforms"]]
    tree = open_tree(expected.parent).without(lambda path: path == expected.name)
    analysis = Analysis(read_project(tree, platforms))
    report = inspect_project(analysis, Request(platforms=tuple(platforms)))
    said = render_for(report, show=frozenset({Show.ALL}))
    parts = (
        said.splitlines(),
        lines_of_matrix(analysis),
        lines_of_builds(analysis.project),
        lines_of_native(analysis.project),
        lines_of_python(analysis.project),
    )
    text = "\n\n".join("\n".join(line.rstrip() for line in part) for part in parts) + "\n"
    assert text == snapshot.use_extension(Understood)
