"""Other names for `torch.ops`, its namespaces and modules, written out before a file is read.

`import torch as T`, `from torch import ops`, `ops = torch.ops` and `demo = torch.ops.demo` all lead
to the same operators, and `ext = importlib.import_module("demo_ext")` is `import demo_ext as ext`.
A line stays a line, and what begins with the name begins where it did.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Each begins with plain text, which is what makes a search quick; what stands before it on its line
# is looked at afterwards. Anchored at the lines' beginnings these took 0.4 s for vLLM 0.33.0.
_MODULE = re.compile(rb"import torch as (\w+)")
_OPS = re.compile(rb"from torch import[ \t]*(\([^)]*\)|[^\n]*)")
_IMPORTED_OPS = re.compile(rb"(?<![\w.])ops\b(?:[ \t]+as[ \t]+(\w+))?")
_VALUE = re.compile(rb"torch\.ops(?:\.\w+)?(?=[ \t]*(?:#[^\n]*)?(?:\n|\r|\Z))")
_TARGET = re.compile(rb"[ \t]*(\w+)[ \t]*(?::[^=\n]*)?=[ \t]*\Z")
# Of a whole line, so that the statement that stands there instead says the same.
_IMPORTED_MODULE = re.compile(
    rb"^([ \t]*)(\w+)[ \t]*=[ \t]*(?:importlib\.)?import_module\("
    rb"[ \t]*([\"'])(\w+(?:\.\w+)*)\3[ \t]*\)(?=[ \t]*(?:#[^\n]*)?(?:\r?\n|\Z))",
    re.MULTILINE,
)
_NOT_BLANK = re.compile(rb"^([ \t]*)(?![ \t#\r\n])", re.MULTILINE)


def written_out(content: bytes) -> bytes:
    """Return a file's text in which such names are written as `torch.ops`, and modules imported."""
    if b"import_module(" in content:
        content = _IMPORTED_MODULE.sub(rb"\1import \4 as \2", content)
    for name in {found[1] for found in _MODULE.finditer(content)}:
        content = re.sub(rb"(?<![\w.])" + name + rb"\.ops\b", b"torch.ops", content)
    # From the last to the first: what is written out behind a place moves no place before it.
    for start, end, name, meant in sorted(_given(content), reverse=True):
        content = content[:start] + _replaced(content[start:end], name, meant) + content[end:]
    return content


def _given(content: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Yield where each name holds, behind the statement that gives it, and what it means."""
    for found in _OPS.finditer(content):
        names = _IMPORTED_OPS.search(found[1])
        if names and not _before(content, found).strip():
            yield found.end(), _end_of_block(content, found), names[1] or b"ops", b"torch.ops"
    for found in _VALUE.finditer(content):
        target = _TARGET.match(_before(content, found))
        if target:
            yield found.end(), _end_of_block(content, found), target[1], found[0]


def _before(content: bytes, found: re.Match[bytes]) -> bytes:
    """Return what stands before a match on its line."""
    return content[content.rfind(b"\n", 0, found.start()) + 1 : found.start()]


def _end_of_block(content: bytes, statement: re.Match[bytes]) -> int:
    """Return where the block ends in which a statement stands."""
    before = _before(content, statement).expandtabs()
    indentation = len(before) - len(before.lstrip())
    for line in _NOT_BLANK.finditer(content, statement.end()) if indentation else ():
        if len(line[1].expandtabs()) < indentation:
            return line.start()
    return len(content)


def _replaced(text: bytes, name: bytes, meant: bytes) -> bytes:
    """Return a block with a name written out, unless something else there has that name too."""
    own = re.escape(name)
    is_other = re.compile(
        rb"(?<![\w.])" + own + rb"[ \t]*(?::[^=\n()]*)?=(?!=)(?![ \t]*" + re.escape(meant) + rb"\b)"
        rb"|\bfor\b[^\n:]*(?<![\w.])" + own + rb"\b[^\n:]*\bin\b"
        rb"|\b(?:def|lambda)\b[^:)]*[(,\s*]" + own + rb"[ \t]*[,:=)]"
        rb"|\b(?:as|import|def|class)[ \t]+" + own + rb"\b"
    )
    if is_other.search(text):
        return text
    text = re.sub(rb"(?<![\w.\"'])" + own + rb"(?=\.\w)", meant, text)
    return re.sub(rb"\b((?:has|get)attr\([ \t]*)" + own + rb"(?=[ \t]*,)", rb"\1" + meant, text)
