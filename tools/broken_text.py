"""The text of a tree, as far as one can find in it what to break.

Nothing here comes from what the checker understood: a tree that it cannot read is broken all the
same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from opparity.checker.tree.contents import Tree

_FOREIGN = re.compile(
    r"(^|/)(third_?party|3rd_?party|extern(al)?|deps|submodules|cutlass|pybind11|tests?|unittest|docs?"
    r"|examples?|benchmarks?|tutorials|\.claude|science|scripts)(/|$)|(^|/)test_",
    re.IGNORECASE,
)
COMPILED = r"(?:cu|cpp|cc|cxx|c|hip|mm|mu|sycl)"
# By a text, or by a macro's name: `cls.def(name, …)` and `cls.def(py::init())` name no operator.
REGISTRATION = re.compile(
    r"(?<![\w.>)])\w+\s*\.\s*(def|impl)\s*\(\s*((?:\"[^\"]*\"\s*)+|#\w+|[A-Z]\w+(?![\w:]))"
)
BLOCK = re.compile(r"PYBIND11_MODULE|TORCH_LIBRARY|torch::Library\s*&|py::module|TORCH_EXTENSION")
_HEAD = re.compile(r"^(?![#\s])[^;{}()=]*?\b(\w+)\s*\(", re.MULTILINE)
_PYTHON_READ = re.compile(r"(?<!self)(?<!cls)\.\s*(\w+)")
_PYTHON_DEFINITION = re.compile(r"\b(?:def|class)\s+(\w+)")
# Shorter names are of variables.
_SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Break:
    """A mistake that was made in a tree.

    Attributes:
        places: the changed files.
        names: what a result has to name, one of them.
        harmless: why it cannot hurt; "" where it can.
    """

    kind: str
    what: str
    places: dict[str, bytes]
    names: tuple[str, ...]
    harmless: str = ""


@dataclass(frozen=True, slots=True)
class Registered:
    """A `def` or `impl` statement, by its place in the text of its file."""

    path: str
    start: int
    end: int
    method: str
    operator: str
    schema: str
    symbol: str


class Text:
    """The text of a tree's own files, and what a break needs to know of it."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.native = self._texts(tree.native)
        self.python = self._texts(tree.python)
        # Every Python file uses operators, tests too.
        texts = [tree.read_text(path) for path in tree.python]
        defined = {name for text in texts for name in _PYTHON_DEFINITION.findall(text)}
        self.used: set[str] = set()
        for text in texts:
            # Where Python has a function of that name, only a wrapper of it reads the operator.
            own = set(_PYTHON_DEFINITION.findall(text))
            self.used |= {n for n in _PYTHON_READ.findall(text) if n in own or n not in defined}

    def _texts(self, paths: tuple[str, ...]) -> dict[str, str]:
        return {path: self.tree.read_text(path) for path in paths if not _FOREIGN.search(path)}

    @cached_property
    def builds(self) -> dict[str, str]:
        """Return the build descriptions."""
        found = {}
        for path in self.tree.files:
            name = PurePath(path).name
            is_build = name in {"CMakeLists.txt", "setup.py", "build.toml"} or name.endswith(
                ".cmake"
            )
            is_builder = path.endswith(".py") and ("builder" in path or name.startswith("setup"))
            readable = self.tree.is_readable(path) and not _FOREIGN.search(path)
            if (is_build or is_builder) and readable:
                found[path] = self.tree.read_text(path)
        return dict(sorted(found.items()))

    @cached_property
    def registered(self) -> tuple[Registered, ...]:
        """Return the registrations that are statements of their own."""
        return tuple(
            each
            for path, text in self.native.items()
            if BLOCK.search(text)
            for each in registrations(path, text)
        )

    @cached_property
    def build_macros(self) -> frozenset[str]:
        """Return the macros that build descriptions define, as far as the text says."""
        text = "\n".join(self.builds.values())
        return frozenset(
            re.findall(r"-D([A-Z]\w{4,})|\(\s*[\"']([A-Z]\w{4,})[\"']\s*,\s*[N\"'1]", text)
            and [
                name
                for pair in re.findall(
                    r"-D([A-Z]\w{4,})|\(\s*[\"']([A-Z]\w{4,})[\"']\s*,\s*[N\"'1]", text
                )
                for name in pair
                if name
            ]
        )


def registrations(path: str, text: str) -> Iterator[Registered]:
    """Yield the registrations of a file that are statements of their own."""
    for found in REGISTRATION.finditer(text):
        end = closing(text, text.index("(", found.start()))
        rest = text[end:].lstrip()
        if end < 0 or not rest.startswith(";"):
            continue
        schema = "".join(re.findall(r'"([^"]*)"', found[2])) if '"' in found[2] else ""
        operator = re.match(r"[\w:.]*", schema or found[2])
        name = (operator[0] if operator else "").rpartition("::")[2].partition(".")[0]
        arguments = text[found.end() : end - 1]
        symbols = re.findall(
            r"(?:&|TORCH_FN\(|TORCH_BOX\(&?|,\s*)([A-Za-z_][\w:]*)\s*[),<]?", arguments
        )
        bound = [
            each for each in symbols if not each.startswith(("torch::", "py::", "c10::", "at::k"))
        ]
        stop = text.index(";", end) + 1
        if name:
            yield Registered(
                path, found.start(), stop, found[1], name, schema, bound[0] if bound else ""
            )


def closing(text: str, start: int, pair: str = "()") -> int:
    """Return the place after the bracket that closes the one at `start`; -1 for none."""
    depth = 0
    for found in re.finditer(
        r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*[\s\S]*?\*/|[' + re.escape(pair) + "]", text[start:]
    ):
        depth += {pair[0]: 1, pair[1]: -1}.get(found[0], 0)
        if depth == 0 and found[0] == pair[1]:
            return start + found.end()
    return -1


def misspelt(name: str, draw: random.Random) -> str:
    """Return a name with two neighbouring letters exchanged, or one left out."""
    places = [
        i for i in range(1, len(name) - 1) if name[i] != name[i + 1] and "_" not in name[i : i + 2]
    ]
    place = draw.choice(places)
    if draw.random() < 0.5:  # noqa: PLR2004 -- as often the one as the other
        return name[:place] + name[place + 1] + name[place] + name[place + 2 :]
    return name[:place] + name[place + 1 :]


def definition_of(text: str, symbol: str) -> tuple[int, int] | None:
    """Return where the body of a function begins and ends in a file, its head included."""
    name = symbol.rpartition("::")[2]
    for found in re.finditer(rf"\b{re.escape(name)}\s*\(", text):
        end = closing(text, found.end() - 1)
        body = (
            re.match(r"\s*(?:const|noexcept|->\s*[\w:<>, ]+|\s)*\{", text[end:])
            if end > 0
            else None
        )
        before = text[: found.start()]
        start = max(before.rfind(each) for each in (";", "}", "{", "\n#", "*/")) + 1
        start = max(start, before.rfind("\n\n") + 1)
        head = text[start : found.start()]
        if (
            body is None
            or not re.search(r"\w\s+[\w:&*\s]*$", head)
            or re.search(r"\breturn\b|=|\(", head)
        ):
            continue
        stop = closing(text, end + body.end() - 1, "{}")
        if stop > 0:
            return start, stop
    return None


def defined_in(text: str) -> tuple[str, ...]:
    """Return the names of the functions that have a body in a text."""
    names = [found[1] for found in _HEAD.finditer(text)]
    return tuple(
        dict.fromkeys(
            name for name in names if definition_of(text, name) and len(name) >= _SHORTEST
        )
    )


def changed(text: Text, path: str, new: str) -> dict[str, bytes]:
    """Return a changed file, as a break has it."""
    assert new.encode() != text.tree.read(path)
    return {path: new.encode()}
