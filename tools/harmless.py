"""Why a break cannot hurt, where the text of the tree says so; a reason names what to look at."""

from __future__ import annotations

import ast
import re
from pathlib import PurePath
from typing import TYPE_CHECKING

from broken_text import closing, definition_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from broken_text import Registered, Text

_RETURNS_NOTHING = re.compile(r"!.*->\s*\(\s*\)\s*$", re.DOTALL)
_PROTOTYPE = (
    r"^(?!\s*(?:return|co_return|throw|else|delete|new)\b)"
    r"[^\n;{{}}()=]*[\w>&*]\s+[&*]*{name}\s*\([^;{{}}]*\)\s*;"
)
_HOST = re.compile(r"\.(?:cpp|cc|cxx)$")
_OF_A_DEVICE = re.compile(r"(?:^|[/_])(?:cuda|hip|rocm|gpu|xpu|musa|npu)(?:[/_.]|$)", re.IGNORECASE)
_CONDITIONAL = re.compile(r"^[ \t]*#[ \t]*(if|ifdef|ifndef|endif)\b", re.MULTILINE)
_POSITIVE = re.compile(r"#\s*(?:ifdef\s+|if\s+(?:defined\s*\(?\s*)?)(\w+)\s*\)?\s*(?://.*)?$")
_NEGATIVE = re.compile(r"#\s*(?:ifndef\s+|if\s+!\s*defined\s*\(?\s*)(\w+)\s*\)?\s*(?://.*)?$")
_TEST_OR_COMMENT = re.compile(
    r"^[ \t]*#[ \t]*(?:if|el|endif)[^\n]*|//[^\n]*|/\*[\s\S]*?\*/", re.MULTILINE
)
# What names no function of the code: texts, comments, and the files that are included.
_NO_CODE = re.compile(
    r'^[ \t]*#[ \t]*include[^\n]*|"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*[\s\S]*?\*/', re.MULTILINE
)
_ASSERTED = re.compile(r"\s*assert\b[^\n]*(?:\n\s[^\n]*\)?)*?\.(is_\w+)\b")
_BLOCK = re.compile(r"TORCH_LIBRARY\w*\(\s*(\w+)|PYBIND11_MODULE")
_CLASS = re.compile(r"\b(?:class|struct)\s+\w[\w:<>, \t\n]*(?::[^;{}()]*)?\{")
_PYTHON_COMMENT = re.compile(r"#[^\n]*")


def unused_in_python(text: Text, operator: str) -> str:
    """Return that only comments of the tree's Python name an operator."""
    read = re.compile(rf"(?<!def )(?<!class )\b{re.escape(operator)}\b")
    for path in text.tree.python:
        content = text.tree.read_text(path)
        if operator in content and read.search(_PYTHON_COMMENT.sub("", content)):
            return ""
    return "only comments of the tree's Python name the operator"


def needs_no_fake(text: Text, operator: str) -> str:
    """Return that torch makes a fake itself, of what returns nothing and changes an argument."""
    named = [each.schema for each in text.registered if each.operator == operator]
    schemas = [each for each in named if "(" in each]
    if schemas and all(map(_RETURNS_NOTHING.search, schemas)):
        return "the operator changes an argument and returns nothing: torch makes such a fake"
    return ""


def has_a_fake_in_torch(name: str) -> str:
    """Return that an operator is torch's own, and that the torch here has a fake of it."""
    parts = name.removeprefix("torch.ops.").replace("::", ".").split(".")
    if parts[0] != "aten":
        return ""
    import torch  # noqa: PLC0415 -- takes a second, and few breaks ask
    import torch._meta_registrations  # noqa: PLC0415

    packet = getattr(torch.ops.aten, parts[1], None)
    overload = getattr(packet, parts[2] if len(parts) > 2 else "default", None)  # noqa: PLR2004
    if overload is None:
        return ""
    has = torch._C._dispatch_has_kernel_for_dispatch_key(overload.name(), "Meta")  # noqa: SLF001
    return f"torch {torch.__version__} has a fake of its own {overload.name()}" if has else ""


def does_not_parse(old: str, new: str) -> str:
    """Return that a Python file is no Python any more, and was before: its import says so."""
    if _parsed(old) is None or _parsed(new) is not None:
        return ""
    return "the file does not parse any more, which its import says"


def of_a_docstring(content: str, place: int) -> str:
    """Return that a place of a Python file is in a text that is a statement of its own."""
    syntax = _parsed(content)
    line = content.count("\n", 0, place) + 1
    for node in ast.walk(syntax) if syntax else ():
        match node:
            case ast.Expr(ast.Constant(str())) if node.lineno <= line <= (node.end_lineno or 0):
                return "the name stands in a docstring"
    return ""


def _parsed(content: str) -> ast.Module | None:
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError):
        return None


def of_an_import(line: str, name: str) -> str:
    """Return that a name is part of another package's module: `from fla.ops.based import f`."""
    if re.match(rf"\s*(?:from|import)\s+[\w.]*\.{re.escape(name)}\b", line):
        return "the name is part of the name of a module that is imported"
    return ""


def registered_beside(text: Text, each: Registered) -> str:
    """Return that a file binds a function a second time, and Python reads no `torch.ops` of it."""
    same = [
        other
        for other in text.registered
        if other.path == each.path
        and other.start != each.start
        and (other.operator, other.symbol) == (each.operator, each.symbol)
    ]
    block = [*_BLOCK.finditer(text.native[each.path], 0, each.start)][-1:]
    library = block[0][1] if block and block[0][1] else ""
    read = re.compile(rf"torch\.ops\.{library}\.{re.escape(each.operator)}\b")
    used = any(read.search(text.tree.read_text(path)) for path in text.tree.python)
    if same and library and not used:
        return (
            "the file binds the function by pybind11 as well, and no Python reads torch.ops of it"
        )
    return ""


def bound_for_the_dispatcher(text: Text, each: Registered) -> str:
    """Return that Python reads a function that pybind11 binds of `torch.ops` alone.

    The same file registers it there as well.
    """
    blocks = [*_BLOCK.finditer(text.native[each.path], 0, each.start)][-1:]
    others = [
        other
        for other in text.registered
        if other.path == each.path and other.operator == each.operator and other.start != each.start
    ]
    if not blocks or blocks[0][1] or not others:
        return ""
    of_torch = re.compile(rf"torch\.ops\.\w+\.{re.escape(each.operator)}\b")
    read = re.compile(rf"\.\s*{re.escape(each.operator)}\b")
    contents = [text.tree.read_text(path) for path in text.tree.python]
    if any(read.search(of_torch.sub("", content)) for content in contents):
        return ""
    return "Python reads the operator of torch.ops alone, where the file registers it as well"


def defined_with_a_function(text: Text, each: Registered) -> str:
    """Return that an operator's definition has a function too, which serves every device."""
    for other in text.registered if each.method == "impl" else ():
        if (other.operator, other.method) == (each.operator, "def") and other.symbol:
            return f"the definition in {other.path} has a function of its own"
    return ""


def only_declared(contents: Iterable[str], name: str) -> str:
    """Return that what is left of a function's name are prototypes, comments and texts."""
    prototype = re.compile(_PROTOTYPE.format(name=re.escape(name)), re.MULTILINE)
    word = re.compile(rf"\b{re.escape(name)}\b")
    code = [_NO_CODE.sub('""', each) for each in contents if name in each]
    left = sum(len(word.findall(each)) - len(prototype.findall(each)) for each in code)
    return "" if left else "nothing but prototypes names the function"


def told_by_its_compiler(content: str, name: str, start: int, end: int) -> str:
    """Return that what is broken is for its own file alone, which cannot be compiled then.

    A kernel beside a host function of the same name, a method that a class of the file has, or a
    half of what an `#if` chooses from.
    """
    left = content[:start] + content[end:]
    if _depth(content) == 0 != _depth(left):
        return "an #if has no #endif any more, and the preprocessor says so"
    head = content[start:end].partition("{")[0]
    if "__global__" in head and definition_of(content[end:], name):
        return "the kernel is launched in its own file alone, whose compiler says so"
    if _is_in_a_class(content, start) and re.search(rf"\b{name}\s*\(", content[end:]):
        return "a class of the file has the method and its caller, and the compiler says so"
    return ""


def _is_in_a_class(content: str, place: int) -> bool:
    """Return whether a place is inside of the braces of a `class` or `struct`."""
    return any(
        closing(content, found.end() - 1, "{}") > place
        for found in _CLASS.finditer(content, 0, place)
    )


# ---- guards


def reads_the_same_elsewhere(rest: str, indent: str, names: Iterable[str]) -> str:
    """Return that the branch of `else` uses the same names, so that the test keeps none away."""
    found = re.match(rf"\s*?\n?{indent}else:[ \t]*\n((?:{indent}[ \t]+[^\n]*\n|[ \t]*\n)*)", rest)
    if found and all(re.search(rf"\b{name}\b", found[1]) for name in names):
        return "the other branch uses the same"
    return ""


def asserts_the_same(test: str, body: str) -> str:
    """Return that the branch begins with an assertion of what the test asks."""
    asked = _ASSERTED.match(body)
    return "the branch asserts the same" if asked and f".{asked[1]}" in test else ""


def guards_python_alone(text: Text, path: str, body: str, names: Iterable[str]) -> str:
    """Return that each name is a Python function of a module of the tree that is imported there."""
    folder = PurePath(path).parent
    defined: set[str] = set()
    for found in re.finditer(r"from \.(\w+) import (\([^)]*\)|[^\n]+)", body):
        module = str(folder / f"{found[1]}.py")
        if module in text.python:
            own = set(re.findall(r"^def (\w+)", text.python[module], re.MULTILINE))
            defined |= own & set(re.findall(r"\w+", found[2]))
    if names and set(names) <= defined:
        return "it guards functions of Python, which the tree's own modules define"
    return ""


def exists_without_guard(text: Text, path: str, names: Iterable[str]) -> str:
    """Return that the host has all functions bound under a guard, under no condition."""
    bound = {each.operator: each.symbol for each in text.registered if each.path == path}
    content = text.native[path]
    comment = re.compile(r"^\s*//[^\n]*\"(\w+)\"", re.MULTILINE)
    left_out = set(comment.findall(content))
    kept = [name for name in names if name not in left_out]
    symbols = [bound.get(name, "").rpartition("::")[2] for name in kept]
    if symbols and all(symbol and _is_for_the_host(text, symbol) for symbol in symbols):
        return "sources of the host define all functions that it guards, under no condition"
    return ""


def _is_for_the_host(text: Text, symbol: str) -> bool:
    head = re.compile(
        rf"^[\w:<>, &*]+[\s&*>]{re.escape(symbol)}\s*\([^;{{}}]*\)\s*\{{", re.MULTILINE
    )
    for path, content in text.native.items():
        is_host = _HOST.search(path) and not _OF_A_DEVICE.search(path)
        found = head.search(content) if is_host and symbol in content else None
        if found and _depth(content[: found.start()]) == 0:
            return True
    return False


def _depth(before: str) -> int:
    words = [found[1] for found in _CONDITIONAL.finditer(before)]
    return len(words) - 2 * words.count("endif")


def is_never_defined(text: Text, head: str) -> str:
    """Return that the macro of `#if !defined(…)` is named by nothing but such tests."""
    found = _NEGATIVE.match(head.strip())
    if found and not _is_named_otherwise(text, found[1]):
        return f"nothing of the tree defines {found[1]}: the code is compiled with the guard too"
    return ""


def only_tested(text: Text, path: str, name: str) -> str:
    """Return that nothing but `#if` names a macro that a native file tests, torch's own apart."""
    is_torchs = re.match(r"(?:USE_(?:CUDA|ROCM|XPU|MPS|NPU|MUSA)|__\w+)$", name)
    if path not in text.native or is_torchs or _is_named_otherwise(text, name):
        return ""
    return f"nothing of the tree defines {name}: what the test is about is compiled nowhere"


def _is_named_otherwise(text: Text, name: str) -> bool:
    """Return whether anything but tests and comments of native files names a macro."""
    word = re.compile(rf"(?:-D|\b){re.escape(name)}\b")
    for path in text.tree.files:
        if not text.tree.is_readable(path):
            continue
        content = text.tree.read_text(path)
        if name in content and path in text.tree.native:
            content = _TEST_OR_COMMENT.sub("", content)
        if name in content and word.search(content):
            return True
    return False


def is_always_defined(text: Text, path: str, head: str) -> str:
    """Return that each script that lists a file defines a guard's macro, under no condition."""
    found = _POSITIVE.match(head.strip())
    place = PurePath(path)
    listing = {each: text.tree.read_text(each) for each in (*text.tree.python, *text.builds)}
    scripts = {
        each: content
        for each, content in listing.items()
        if PurePath(each).parent == place.parent and place.name in content
    } or {
        each: content for each, content in listing.items() if "/".join(place.parts[-2:]) in content
    }
    if not found or not scripts:
        return ""
    flag = re.compile(rf"^( *)[^#\n]*-D{re.escape(found[1])}\b", re.MULTILINE)
    for content in scripts.values():
        lines = list(flag.finditer(content))
        if not lines or not all(_is_unconditional(content, each) for each in lines):
            return ""
    return f"every script that lists the file defines {found[1]}: {', '.join(sorted(scripts))}"


def _is_unconditional(content: str, line: re.Match[str]) -> bool:
    """Return whether a line of Python stands in a function, and under nothing else."""
    indent = len(line[1])
    for outer in reversed(content[: line.start()].split("\n")):
        if outer.strip() and len(outer) - len(outer.lstrip()) < indent:
            indent = len(outer) - len(outer.lstrip())
            if re.match(r"\s*(?:if|elif|else|try|except|for|while)\b", outer):
                return False
    return True
