"""Breaks of what decides: guards, macros and names."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

import harmless
from broken_text import REGISTRATION, Break, Text, changed, misspelt

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

_PLATFORM_MACRO = re.compile(
    r"^(USE|WITH|ENABLE|HAS|BUILD|IS|MMCV|FBGEMM|TORCH)\w*_(CUDA|ROCM|HIP|XPU|CPU|MUSA|NPU|GPU)\w*$"
    r"|^__HIP_?\w*$|^USE_\w+$|^WITH_\w+$|^ENABLE_\w+$"
)
_PLATFORM_TEST = re.compile(
    r"^(?P<indent>[ \t]*)(?P<word>if|elif) (?P<test>[^\n]*?(?:is_(?:cuda|rocm|hip|xpu|cpu|npu)\w*"
    r"|version\.(?:hip|cuda)|_is_(?:cuda|hip)|cuda\.is_available\(\)|IS_(?:CUDA|ROCM|HIP))"
    r"[^\n:]*):[ \t]*$",
    re.MULTILINE,
)
_INCLUDE_GUARD = re.compile(r"_(?:H|HPP|CUH|INL)_*$")
# A shorter name is a word of many things.
_SHORTEST = 5


def without_guard(text: Text, draw: random.Random) -> Break | None:
    """Remove `#if` and `#endif` around registrations, or make a Python test of platforms true."""
    found: list[tuple[str, str, tuple[str, ...], str, tuple[str, ...]]] = []
    for path, content in text.native.items():
        for start, end, head, names in _guarded(content):
            new = (
                content[:start]
                + "\n"
                + content[start + len(head) : end]
                + content[content.index("\n", end) :]
            )
            found.append((path, new, names, head, ()))
    operators = {each.operator for each in text.registered}
    for path, content in text.python.items():
        if PurePath(path).name.startswith("setup"):
            continue
        for test in _PLATFORM_TEST.finditer(content):
            body = _body(content, test.end(), test["indent"])
            names = tuple(
                dict.fromkeys(
                    n
                    for n in re.findall(r"\.(\w+)|import (\w+)", body)
                    for n in n
                    if n in operators
                )
            )
            if names:
                new = content[: test.start("test")] + "True" + content[test.end("test") :]
                rest = content[test.end() + len(body) :]
                found.append((path, new, names, test[0].strip(), (body, rest, test["indent"])))
    if not found:
        return None
    path, new, names, head, python = draw.choice(found)
    if python:
        body, rest, indent = python
        why = harmless.reads_the_same_elsewhere(rest, indent, names)
        why = why or harmless.guards_python_alone(text, path, body, names)
        why = why or harmless.asserts_the_same(head, body)
    else:
        why = harmless.is_always_defined(text, path, head) or harmless.is_never_defined(text, head)
        why = why or harmless.exists_without_guard(text, path, names)
    return Break(
        "guard",
        f"{path}: no guard {head} around {', '.join(names[:3])}",
        {path: new.encode()},
        names,
        why,
    )


def _guarded(content: str) -> Iterator[tuple[int, int, str, tuple[str, ...]]]:
    """Yield the `#if` … `#endif` without an `#else` that a platform's macro makes around names."""
    open_ifs: list[list[object]] = []
    for line in re.finditer(
        r"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif)\b([^\n]*)", content, re.MULTILINE
    ):
        if line[1].startswith("if"):
            open_ifs.append([line, False])
        elif line[1] in {"else", "elif"} and open_ifs:
            open_ifs[-1][1] = True
        elif line[1] == "endif" and open_ifs:
            head, has_else = open_ifs.pop()
            assert isinstance(head, re.Match)
            body = content[head.end() : line.start()]
            names = tuple(dict.fromkeys(_registered_names(body)))
            macros = re.findall(r"[A-Za-z_]\w+", head[2])
            is_include_guard = any(map(_INCLUDE_GUARD.search, macros))
            is_platform = any(map(_PLATFORM_MACRO.match, macros)) and not is_include_guard
            if names and not has_else and is_platform:
                yield head.start(), line.start(), head[0], names


def _registered_names(body: str) -> Iterator[str]:
    for found in REGISTRATION.finditer(body):
        text = "".join(re.findall(r'"([^"]*)"', found[2]))
        yield (re.match(r"[\w:]*", text) or [""])[0].rpartition("::")[2]


def _body(content: str, start: int, indent: str) -> str:
    rest = content[start:]
    stop = re.search(rf"^(?!{indent}[ \t]|[ \t]*$)", rest[1:], re.MULTILINE)
    return rest[: stop.start() if stop else len(rest)]


def misspelt_macro(text: Text, draw: random.Random) -> Break | None:
    """Misspell a macro where a file tests it, or where a build defines it."""
    found = []
    for path, content in text.native.items():
        for line in re.finditer(
            r"^[ \t]*#[ \t]*(?:if|ifdef|ifndef|elif)\b[^\n]*", content, re.MULTILINE
        ):
            for word in re.finditer(r"[A-Z_]\w{5,}", line[0]):
                known = _PLATFORM_MACRO.match(word[0]) or word[0] in text.build_macros
                if known and f"#define {word[0]}" not in content:
                    found.append((path, line.start() + word.start(), word[0]))
    for path, content in text.builds.items():
        found += [
            (path, word.start(), word[0])
            for word in re.finditer(r"(?<=-D)[A-Z]\w{5,}", content)
            if any(re.search(rf"#\s*(el)?if.*\b{word[0]}\b", each) for each in text.native.values())
        ]
    if not found:
        return None
    path, place, name = draw.choice(found)
    content = text.tree.read_text(path)
    other = misspelt(name, draw)
    number = content.count("\n", 0, place) + 1
    return Break(
        "macro",
        f"{path}:{number} {name} is {other}",
        changed(text, path, content[:place] + other + content[place + len(name) :]),
        (name, other),
        harmless.only_tested(text, path, name),
    )


def misspelt_name(text: Text, draw: random.Random) -> Break | None:
    """Misspell an operator where it is registered, or where Python uses it."""
    operators = {each.operator for each in text.registered if len(each.operator) >= _SHORTEST}
    found: list[tuple[str, int, str]] = []
    for each in text.registered:
        if each.operator in text.used and len(each.operator) >= _SHORTEST:
            place = text.native[each.path].find(each.operator, each.start)
            found.append((each.path, place, each.operator))
    uses = [
        (path, use.start(1), use[1])
        for path, content in text.python.items()
        for use in re.finditer(
            r"\b(?:torch\.ops\.\w+|_\w*C\w*|\w*(?:_ext|_cuda|ops|ext|kernels|_C))\.(\w+)", content
        )
        if use[1] in operators
    ]
    pool = draw.choice([each for each in (found, uses) if each] or [[]])
    if not pool:
        return None
    path, place, name = draw.choice(pool)
    content = text.tree.read_text(path)
    other = misspelt(name, draw)
    line = content[content.rfind("\n", 0, place) + 1 :].partition("\n")[0]
    why = harmless.of_an_import(line, name) if path in text.python else ""
    if path in text.python:
        why = why or harmless.of_a_docstring(content, place)
    for each in text.registered if path in text.native else ():
        if each.path == path and each.start <= place < each.end:
            why = harmless.registered_beside(text, each)
            why = why or harmless.bound_for_the_dispatcher(text, each)
            why = why or harmless.unused_in_python(text, name)
    return Break(
        "name",
        f"{path}:{content.count(chr(10), 0, place) + 1} {name} is {other}",
        changed(text, path, content[:place] + other + content[place + len(name) :]),
        (name, other),
        why,
    )
