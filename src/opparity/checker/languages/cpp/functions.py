"""Function declarations, definitions and explicit instantiations of one syntax tree."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import ALWAYS, conjunction, disjunction
from opparity.checker.facts.native import ClassInstance, Declaration, Definition, Signature
from opparity.checker.facts.places import Location
from opparity.checker.facts.records import fact
from opparity.checker.languages.cpp.parameters import (
    normalise_type,
    read_parameters,
    split_arguments,
)
from opparity.checker.languages.cpp.syntax import field as child
from opparity.checker.languages.cpp.syntax import text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tree_sitter import Node

    from opparity.checker.facts.conditions import Condition

_TRANSPARENT = frozenset(
    {
        "ERROR",
        "declaration_list",
        "field_declaration_list",
        "preproc_elif",
        "preproc_else",
        "preproc_if",
        "preproc_ifdef",
        "translation_unit",
    }
)
_CONDITIONAL = frozenset({"preproc_elif", "preproc_else", "preproc_if", "preproc_ifdef"})
_DECLARATOR_WRAPPERS = frozenset(
    {"pointer_declarator", "reference_declarator", "attributed_declarator", "init_declarator"}
)
# An attribute, or a macro that by its name stands for one.
_EXPORTS = re.compile(
    r'visibility\s*\(\s*"default"|\b\w*(?:_API|_EXPORT|EXPORT_API|_PUBLIC|_VISIBLE|DLLEXPORT)\w*\b'
    r"|\b(?:API|EXPORT)\b|dllexport"
)
# One of them stands in each, and in few declarations.
_EXPORT_MARKS = ("visib", "API", "EXPORT", "_PUBLIC", "_VISIBLE", "dllexport")
_DEEPEST_SCOPE = 60
_CLASSES = frozenset({"class_specifier", "struct_specifier"})


def _is_unbalanced(text: str) -> bool:
    """Return whether a branch of an `#if` opens braces that it does not close, or the reverse."""
    depth, outer = 0, list[int]()
    for line in text.split("\n"):
        directive = line.strip()
        if directive.startswith("#if"):
            outer.append(depth)
        elif outer and directive.startswith(("#el", "#endif")):
            if depth != outer[-1]:
                return True
            if directive.startswith("#endif"):
                outer.pop()
        else:
            depth += line.count("{") - line.count("}")
    return False


@fact
class Scope:
    """Where a declaration stands."""

    namespace: tuple[str, ...] = ()
    is_anonymous: bool = False
    is_template: bool = False
    is_class: bool = False
    is_class_template: bool = False


@dataclass(slots=True)
class Functions:
    """What `collect` found; `blocks` are function definitions that are macros' bodies."""

    declarations: list[Declaration] = field(default_factory=list)
    templates: list[Declaration] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    class_instances: list[ClassInstance] = field(default_factory=list)
    bodies: list[tuple[Node, Signature]] = field(default_factory=list)


def collect(root: Node, path: str, condition_at: Callable[[int], Condition]) -> Functions:
    """Return the functions of a file; bodies are listed, not entered.

    Where the grammar lost its way, a brace may have closed the wrong namespace: then what seems
    to be in an anonymous one is not taken as local.
    """
    collector = _Collector(path, condition_at, trusts_namespaces=not root.has_error)
    pending: list[tuple[Node, Scope]] = [(root, Scope())]
    while pending:
        node, scope = pending.pop()
        pending.extend(reversed(collector.visit(node, scope)))
    return collector.found


def joined(readings: list[Functions]) -> Functions:
    """Return what several readings of one file found, each place and condition once."""
    first, *others = readings
    if not others:
        return first
    found = Functions()
    for reading in readings:
        for kind in ("declarations", "templates", "definitions", "class_instances"):
            known = {(each.location, each.condition) for each in getattr(found, kind)}
            getattr(found, kind).extend(
                each
                for each in getattr(reading, kind)
                if (each.location, each.condition) not in known
            )
        places = {_start_of_body(node) for node, _ in found.bodies}
        found.bodies += [each for each in reading.bodies if _start_of_body(each[0]) not in places]
    return found


def _start_of_body(node: Node) -> tuple[int, int]:
    """Return where a function's body begins: one head may have one in each branch of an `#if`."""
    body = child(node, "body") or node
    return body.start_point.row, body.start_point.column


class _Collector:
    def __init__(
        self, path: str, condition_at: Callable[[int], Condition], *, trusts_namespaces: bool
    ) -> None:
        self.path = path
        self.trusts_namespaces = trusts_namespaces
        self.condition_at = condition_at
        self.found = Functions()

    def visit(self, node: Node, scope: Scope) -> list[tuple[Node, Scope]]:
        """Take one node; return what is to be visited inside it."""
        kind = node.type
        if kind in _TRANSPARENT:
            return [(part, scope) for part in node.named_children]
        if kind == "namespace_definition":
            return self._namespace(node, scope)
        if kind == "linkage_specification":
            body, language = child(node, "body"), child(node, "value")
            # A name of C's is the same function in whatever namespace it is declared.
            is_c = language is not None and text_of(language) == '"C"'
            return [(body, replace(scope, namespace=()) if is_c else scope)] if body else []
        if kind == "template_declaration":
            return self._template(node, scope)
        if kind == "function_definition":
            self._definition(node, scope)
        elif kind in {"declaration", "field_declaration"}:
            return self._declaration(node, scope)
        elif kind == "template_instantiation":
            self._instantiation(node, scope)
        elif kind in _CLASSES:
            return self._class(node, scope)
        return []

    def _namespace(self, node: Node, scope: Scope) -> list[tuple[Node, Scope]]:
        name, body = child(node, "name"), child(node, "body")
        if body is None or len(scope.namespace) > _DEEPEST_SCOPE:
            return []
        parts = tuple(text_of(name).replace(" ", "").split("::")) if name else ()
        inner = Scope((*scope.namespace, *parts), scope.is_anonymous or name is None)
        return [(body, inner)]

    def _template(self, node: Node, scope: Scope) -> list[tuple[Node, Scope]]:
        parameters = child(node, "parameters")
        # `template <>` is a full specialisation: an ordinary function.
        is_template = parameters is None or parameters.named_child_count > 0
        inner = Scope(
            scope.namespace,
            scope.is_anonymous,
            scope.is_template or is_template,
            scope.is_class,
            scope.is_class_template,
        )
        return [(part, inner) for part in node.named_children if part != parameters]

    def _class(self, node: Node, scope: Scope) -> list[tuple[Node, Scope]]:
        name, body = child(node, "name"), child(node, "body")
        if name is None or body is None or len(scope.namespace) > _DEEPEST_SCOPE:
            return []
        is_template = scope.is_template or scope.is_class_template
        written = text_of(name)
        # `struct Plan::Implementation {`; a specialisation, `struct Plan<float> {`, is another one.
        parts = (written,) if "<" in written else written.split("::")
        inner = Scope(
            (*scope.namespace, *parts),
            scope.is_anonymous,
            is_class=True,
            is_class_template=is_template,
        )
        return [(body, inner)]

    def _content(self, body: Node) -> Condition:
        """Return the condition under which a body has a statement at all."""
        directives = [part for part in body.named_children if part.type.startswith("preproc")]
        # A brace that one branch opens and the end of the body closes: FBGEMM's
        # linearize_cache_indices_kernel is a loop on one platform alone.
        if not directives or _is_unbalanced(text_of(body)):
            return ALWAYS
        conditions: list[Condition] = []
        waiting = list(body.named_children)
        while waiting:
            part = waiting.pop()
            if part.type in _CONDITIONAL:
                head = [child(part, "name"), child(part, "condition")]
                waiting.extend(inner for inner in part.named_children if inner not in head)
            elif part.type != "comment" and not part.type.startswith("preproc"):
                conditions.append(self.condition_at(part.start_point.row + 1))
        return disjunction(*conditions)

    def _definition(self, node: Node, scope: Scope) -> None:
        signature = self._signature(node, scope)
        body = child(node, "body")
        if signature is None:
            return
        if body is None:
            return  # `= default`, `= delete`
        text = text_of(node)[: body.start_byte - node.start_byte]
        words = set(re.findall(r"\w+", text))
        is_local = (scope.is_anonymous and self.trusts_namespaces) or (
            "static" in words and not scope.is_class
        )
        self.found.bodies.append((node, signature))
        self.found.definitions.append(
            Definition(
                signature=signature,
                location=self._location(node),
                condition=self._condition(node, body.start_point.row),
                is_local=is_local,
                is_template=scope.is_template or scope.is_class_template,
                is_inline=bool(words & {"inline", "constexpr", "__forceinline__"})
                or scope.is_class,
                is_kernel="__global__" in words,
                is_empty=not any(part.type != "comment" for part in body.named_children),
                content=self._content(body),
                end_line=node.end_point.row + 1,
                arguments=_template_arguments(node),
                is_exported=_exports(text),
            )
        )

    def _declaration(self, node: Node, scope: Scope) -> list[tuple[Node, Scope]]:
        kind = child(node, "type")
        inner: list[tuple[Node, Scope]] = []
        if kind is not None and kind.type in _CLASSES and child(kind, "body"):
            inner.append((kind, scope))
        signature = self._signature(node, scope)
        head = text_of(node)
        if signature is None or scope.is_class_template or _is_no_prototype(head):
            return inner
        if scope.is_anonymous or ("static " in head[:60] and not scope.is_class):
            return inner
        kept = self.found.templates if scope.is_template else self.found.declarations
        condition = self._condition(node, node.end_point.row)
        place = self._location(node)
        kept.append(
            Declaration(
                signature,
                place,
                condition,
                is_member=scope.is_class,
                is_exported=_exports(head),
            )
        )
        return inner

    def _instantiation(self, node: Node, scope: Scope) -> None:
        if text_of(node).lstrip().startswith("extern"):
            return
        signature = self._signature(node, scope)
        kind = child(node, "type")
        if kind is not None and kind.type in _CLASSES:
            self._class_instance(kind)
        elif signature is not None:
            self.found.definitions.append(
                Definition(
                    signature,
                    self._location(node),
                    self.condition_at(node.start_point.row + 1),
                    is_instantiation=True,
                    arguments=_template_arguments(node),
                )
            )

    def _class_instance(self, kind: Node) -> None:
        written = child(kind, "name")
        while written is not None and written.type == "qualified_identifier":
            written = child(written, "name")
        name = child(written, "name") if written is not None else None
        arguments = child(written, "arguments") if written is not None else None
        if name is not None and arguments is not None:
            given = split_arguments(text_of(arguments)[1:-1])
            place = self._location(kind)
            condition = self.condition_at(place.line)
            self.found.class_instances.append(ClassInstance(text_of(name), given, place, condition))

    def _condition(self, node: Node, end: int) -> Condition:
        """Return the condition of a head and of the row where its `;` or body is."""
        start = node.start_point.row
        condition = self.condition_at(start + 1)
        if end == start or self.condition_at(end + 1) == condition:
            return condition
        return conjunction(condition, self.condition_at(end + 1))

    def _location(self, node: Node) -> Location:
        return Location(self.path, node.start_point.row + 1, node.start_point.column + 1)

    def _signature(self, node: Node, scope: Scope) -> Signature | None:
        found = _function_declarator(child(node, "declarator"))
        if found is None:
            return None
        declarator, marks = found
        name, parameters = child(declarator, "declarator"), child(declarator, "parameters")
        if name is None or parameters is None:
            return None
        written = _without_template_arguments(name)
        if not written:
            return None
        *namespace, last = written.split("::")
        kind = child(node, "type")
        return Signature(
            name=last,
            namespace=(*scope.namespace, *(part for part in namespace if part)),
            parameters=read_parameters(parameters),
            return_type=normalise_type(text_of(kind) + marks) if kind else "",
        )


def _exports(text: str) -> bool:
    return any(mark in text for mark in _EXPORT_MARKS) and _EXPORTS.search(text) is not None


def _is_no_prototype(text: str) -> bool:
    """Return whether a declaration is pure virtual, defaulted, deleted, a friend or a typedef."""
    tail = text.rstrip("; \n")
    return tail.endswith(("= 0", "=0", "= default", "= delete", "=default", "=delete")) or (
        text.lstrip().startswith(("typedef ", "friend ", "using "))
    )


def _function_declarator(node: Node | None) -> tuple[Node, str] | None:
    """Return the function's declarator and the * and & that belong to its return type."""
    marks = ""
    while node is not None and node.type in _DECLARATOR_WRAPPERS:
        if node.type == "init_declarator":
            return None
        marks += {"pointer_declarator": "*", "reference_declarator": "&"}.get(node.type, "")
        node = child(node, "declarator") or (
            node.named_children[0] if node.named_children else None
        )
    if node is None or node.type != "function_declarator":
        return None
    inner = child(node, "declarator")
    if inner is not None and inner.type == "parenthesized_declarator":
        return None  # a pointer to a function
    return node, marks


def _without_template_arguments(node: Node) -> str:
    if node.type == "template_function":
        name = child(node, "name")
        return text_of(name) if name else ""
    if node.type == "qualified_identifier":
        scope, name = child(node, "scope"), child(node, "name")
        left = _without_template_arguments(scope) if scope else ""
        right = _without_template_arguments(name) if name else ""
        return f"{left}::{right}" if left else right
    if node.type == "template_type":
        name = child(node, "name")
        return text_of(name) if name else ""
    text = text_of(node)
    return text if text.replace("~", "").isidentifier() else ""


def _template_arguments(node: Node) -> tuple[str, ...]:
    """Return what stands in <> behind the name that a definition or instantiation has."""
    found = _function_declarator(child(node, "declarator"))
    name = child(found[0], "declarator") if found else None
    while name is not None and name.type == "qualified_identifier":
        name = child(name, "name")
    if name is None or name.type != "template_function":
        return ()
    arguments = child(name, "arguments")
    return split_arguments(text_of(arguments)[1:-1]) if arguments else ()
