"""What a Python file says of operators by its text, before anything of the build is known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.facts.records import fact
from opparity.checker.tree.marks import OF_COMPILERS, marks_in

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMESPACE = re.compile(rb"torch\.ops\.(\w+)(?:\.(\w+))?")
_ASKED = re.compile(rb"hasattr\(\s*torch\.ops\.(\w+)\s*,\s*[\"'](\w+)")
_QUOTED = re.compile(rb'"(\w+)::')
_PREDICATES = re.compile(rb"def (?<!\wdef )_?is_(?:cuda|rocm|hip|cpu|npu|xpu|musa|mlu)\w*\s*\(")
_MARKS = (b"custom_op(", b"register_op(", b"triton_op(", b".define(")
# What defines an operator, and its first text: a name, a schema, or a name with its library.
_DEFINITION = re.compile(
    rb"""\n([ \t]*+)@?[\w.]*(?:custom_op|register_op|triton_op|\.define)\("""
    rb"""\s*(?:\w+\s*=\s*)?[frbu]{0,2}["'](?:\w+::)?(\w+)"""
)
_HELPER = re.compile(rb"\ndef \w*register_(?:custom_)?op\(")
_LIBRARY = re.compile(rb"\n[ \t]*(\w+)\s*=\s*[\w.]*\bLibrary\(\s*[\"'](\w+)[\"']")
_COMPILER = re.compile(
    rb"\b(?:nvrtc|hiprtc)\w*(?:CreateProgram|CompileProgram|compile\w*)\s*\(|\b(?:nv|hip)rtc\.\w+\("
    rb"|\b(?:RawModule|RawKernel|load_inline|SourceModule|_compile_kernel)\s*\("
    rb"|\bcpp_extension\.load\s*\(|\bcpp_extension import[^\n]*\bload\b|\btvm_ffi\.cpp\b"
)
_PATH = re.compile(rb"[\w./-]++")
_SOURCE_NAME = re.compile(rb".*\w\.(?:cu|cuh|cpp|cc|c|cxx|hip|h|hpp)\b")


@fact
class OperatorText:
    """What one file's text has; names are bytes.

    Attributes:
        uses: (library, operator) of each `torch.ops.library.operator`; b"" for no operator.
        asked: (library, operator) of each `hasattr(torch.ops.library, "operator")`.
        quoted: what stands before `::` at the start of a text.
        definitions: (indentation, operator) of what defines operators.
        handed: the namespaces of libraries that it gives to functions, which may define anything.
        has_predicate: it defines a function such as `is_cuda`.
        has_helper: it defines a function that defines operators in a library of its own.
        compiles: it compiles native code while it runs; and
        sources: the files that it names, if so.
    """

    uses: frozenset[tuple[bytes, bytes]] = frozenset()
    asked: frozenset[tuple[bytes, bytes]] = frozenset()
    quoted: frozenset[bytes] = frozenset()
    definitions: tuple[tuple[bytes, bytes], ...] = ()
    handed: frozenset[bytes] = frozenset()
    has_predicate: bool = False
    has_helper: bool = False
    compiles: bool = False
    sources: frozenset[bytes] = frozenset()

    @property
    def is_about_operators(self) -> bool:
        """Return whether the file registers an operator or calls one."""
        return bool(self.definitions or self.has_helper or any(name for _, name in self.uses))

    def touches(self, libraries: frozenset[str]) -> bool:
        """Return whether the file touches one of some libraries, or says what a platform is."""
        names = tuple(name.encode() for name in libraries)
        return (
            self.has_predicate
            or not self.quoted.isdisjoint(names)
            or any(library.startswith(names) for library, _ in self.uses)
        )


_NOTHING = OperatorText()


def read_operator_text(_: str, content: bytes) -> OperatorText | None:
    """Return what a file's text says; None for nothing."""
    marks = marks_in(content)
    has_uses = b"torch.ops." in marks
    has_quoted = b"::" in marks
    has_predicate = b"def is_" in marks and _PREDICATES.search(content) is not None
    may_define = b"_op(" in marks or b".define(" in marks
    compiles = not marks.isdisjoint(OF_COMPILERS) and _COMPILER.search(content) is not None
    handed = _handed(content) if b"Library(" in marks else frozenset()
    if not (handed or has_uses or has_quoted or has_predicate or may_define or compiles):
        return None
    defines = may_define and any(mark in content for mark in _MARKS)
    found = OperatorText(
        uses=frozenset(_NAMESPACE.findall(content)) if has_uses else frozenset(),
        asked=frozenset(_ASKED.findall(content)) if has_uses else frozenset(),
        quoted=frozenset(_QUOTED.findall(content)) if has_quoted else frozenset(),
        definitions=tuple(_DEFINITION.findall(content)) if defines else (),
        handed=handed,
        has_predicate=has_predicate,
        has_helper=defines and b"Library(" in marks and _HELPER.search(content) is not None,
        compiles=compiles,
        sources=frozenset(_source_names(content)) if compiles else frozenset(),
    )
    return None if found == _NOTHING else found


def _handed(content: bytes) -> frozenset[bytes]:
    """Return the namespaces of the libraries that are arguments of other calls than their own."""
    return frozenset(
        namespace
        for name, namespace in _LIBRARY.findall(content)
        if re.search(
            rb"(?<![\w.])(?!register_fake|impl\b|define\b)\w+\(\s*" + name + rb"\s*[,)]", content
        )
    )


def _source_names(content: bytes) -> Iterator[bytes]:
    """Yield what looks like the name of a source file, once for each path in the text."""
    for path in _PATH.finditer(content):
        found = _SOURCE_NAME.match(path[0])
        if found:
            yield found[0]
