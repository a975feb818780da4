"""The uses of functions in a file: calls, launches and addresses; methods and what is passed on."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opparity.checker.facts.native import Reference
from opparity.checker.facts.places import Location
from opparity.checker.facts.records import fact
from opparity.checker.languages.cpp.parameters import split_arguments
from opparity.checker.languages.cpp.preprocessor import read_directives
from opparity.checker.languages.cpp.text_scan import (
    enclosing_finder,
    in_directive,
    without_comments,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.native import Definition

# A name that is called, called with template arguments or launched; `i < n` compares.
# What stands before the name is looked at after its first letter: a fifth of the time less.
_CALLED = re.compile(r"([A-Za-z_](?<![\w.>].)\w*+)\s*+(?:\(|(<)(?! ))")
# `Tensor& x` and `a & b` have a space there. With the above in one expression: twice the time.
_ADDRESS = re.compile(r"&(?<!&&)(?![&=\s])(?:\w++\s*+::\s*+)*+([A-Za-z_]\w*+)(?!\s*+::)")
# `object.name(`, and a name alone between commas or parentheses.
_METHOD = re.compile(r"(?:\.|->)\s*+([A-Za-z_]\w*+)\s*+\(")
_PASSED = re.compile(r"(?<=[(,])\s*+(?:\w++\s*+::\s*+)*+([A-Za-z_]\w*+)\s*+(?=[,)])")
# A name after a type, before what ends or starts its declaration.
_VARIABLE = re.compile(r"(?<=[\w>&*])\s++[&*]*+([A-Za-z_]\w*+)\s*+(?=[=;,)\[{:])")
_TYPE = re.compile(r"\b([A-Za-z_]\w*+)(?=\s*+(?:[&*<>({]|::)|\s++[A-Za-z_])")
_QUALIFIER = re.compile(r"(?:\w++\s*+::\s*+)++\Z")
_LONGEST_QUALIFIER = 200
_WORD = re.compile(r"\w+")
# What stands before `&` where it makes a type a reference: `Tensor &x`, `vector<int> &x`.
_ENDS_A_TYPE = re.compile(r"[\w>*\]]")
_RETURN = re.compile(r"\breturn\Z")
_NEVER_FUNCTIONS = frozenset(
    {"if", "for", "while", "switch", "catch", "return", "sizeof", "alignof", "decltype", "defined"}
    | {"static_cast", "reinterpret_cast", "const_cast", "dynamic_cast", "template", "typename"}
    | {"alignas", "noexcept", "static_assert", "operator", "throw", "new", "delete", "typeid"}
)
# Reserved for compilers, and Intel's intrinsics. In capitals, names are macros.
_FOREIGN = ("__", "_mm")
# The longest argument list of vLLM, flashinfer and flash-attention has 600 characters.
_LONGEST_LIST = 4000


@fact
class Calls:
    """Every name that is used as a function anywhere, and the uses inside of functions.

    Those in templates, of the standard library's, compilers' and macros' names are left out: 15,000
    of 19,000 in vLLM 0.33.0.
    """

    names: frozenset[str]
    references: tuple[Reference, ...]


@fact
class FurtherUses:
    """The uses in functions that are no templates which only few files are asked for.

    Attributes:
        methods: the calls on objects.
        passed: the arguments that are names, but not of a variable that the text declares.
        types: the names that stand where types do.
    """

    methods: tuple[Reference, ...]
    passed: tuple[Reference, ...]
    types: frozenset[str]


def read_calls(
    path: str,
    clean: str,
    condition_at: Callable[[int], Condition],
    definitions: Sequence[Definition],
    asked: Collection[str] = (),
) -> Calls:
    """Return the uses in a text without comments, each once per condition and function.

    Those in templates are left out, but for the functions that are asked for.
    """
    uses = _Uses(path, clean, condition_at, definitions, asked)
    references = uses.taken(_CALLED.finditer(clean), _addresses(clean))
    return Calls(frozenset(uses.names - _NEVER_FUNCTIONS), references)


def read_further_uses(path: str, text: str, definitions: Sequence[Definition]) -> FurtherUses:
    """Return the uses in a text that are no plain calls, each once per condition and function."""
    clean = without_comments(text)
    uses = _Uses(path, clean, read_directives(path, text).condition_at, definitions)
    bodies = [
        (uses.starts[each.location.line - 1], uses.starts[each.end_line])
        for each in definitions
        if each.end_line and not each.is_template
    ]
    variables = set(_VARIABLE.findall(clean))
    passed = (
        each
        for body in bodies
        for each in _PASSED.finditer(clean, *body)
        if each[1] not in variables
    )
    return FurtherUses(
        uses.taken(*(_METHOD.finditer(clean, *body) for body in bodies)),
        uses.taken(passed),
        frozenset(_TYPE.findall(clean)),
    )


@dataclass(slots=True)
class _Uses:
    """Turns places in one text into uses, and notes every name."""

    path: str
    clean: str
    condition_at: Callable[[int], Condition]
    definitions: Sequence[Definition]
    asked: Collection[str] = ()
    names: set[str] = field(default_factory=set)
    starts: list[int] = field(init=False)
    enclosing: Callable[[int], Definition | None] = field(init=False)

    def __post_init__(self) -> None:
        self.starts = [0, *(found.end() for found in re.finditer("\n", self.clean))]
        self.starts.append(len(self.clean) + 1)  # where a body ends at the last line
        self.enclosing = enclosing_finder(self.definitions)

    def taken(self, *kinds: Iterable[re.Match[str]]) -> tuple[Reference, ...]:
        """Return what uses say, in their order; most stand in templates and are passed over."""
        found: dict[tuple[object, ...], Reference] = {}
        names, asked = self.names, self.asked
        for uses in kinds:
            closed = 0  # to here a template reaches
            for use in uses:
                name, start = use[1], use.start(1)
                names.add(name)
                is_asked = name in asked
                if start < closed and not is_asked:
                    continue
                if name in _NEVER_FUNCTIONS or name.startswith(_FOREIGN) or name.isupper():
                    continue
                line = bisect_right(self.starts, start)
                around = self.enclosing(line)
                if around is None:
                    continue  # a prototype, for one
                if around.is_template and not is_asked:
                    closed = self.starts[around.end_line]
                    continue  # what an instantiation alone decides
                self._keep(use, line, around, found)
        return tuple(found.values())

    def _keep(
        self,
        use: re.Match[str],
        line: int,
        around: Definition,
        found: dict[tuple[object, ...], Reference],
    ) -> None:
        name, start = use[1], use.start(1)
        qualifier = _qualifier(self.clean, start)
        is_own = name == around.signature.name and use.re is not _METHOD
        if is_own and _is_own(qualifier, around.signature.namespace):
            return  # the head of the definition itself
        if qualifier[:1] == ("std",):
            return
        is_plain = not (around.is_template or around.is_inline)
        has_list = use.re is _CALLED and use[2] and is_plain
        arguments = _arguments(self.clean, use.end()) if has_list else ()
        condition = self.condition_at(line)
        # By identity: the same region of a file and the same function have one object each.
        key = (name, id(condition), id(around), qualifier, arguments)
        if key not in found and not in_directive(self.clean, start):
            found[key] = Reference(
                name,
                Location(self.path, line),
                condition,
                inside=around.signature.qualified,
                is_in_template=around.is_template,
                is_in_inline=around.is_inline,
                qualifier=qualifier,
                arguments=arguments,
            )


def _addresses(clean: str) -> Iterator[re.Match[str]]:
    for found in _ADDRESS.finditer(clean):
        before = clean[max(0, found.start() - _LONGEST_QUALIFIER) : found.start()].rstrip()
        if not _ENDS_A_TYPE.match(before[-1:]) or _RETURN.search(before[-len(" return") :]):
            yield found


def _is_own(qualifier: tuple[str, ...], namespace: tuple[str, ...]) -> bool:
    return namespace[len(namespace) - len(qualifier) :] == qualifier


def _qualifier(text: str, end: int) -> tuple[str, ...]:
    if not text.endswith("::", 0, end):
        return ()
    found = _QUALIFIER.search(text, max(0, end - _LONGEST_QUALIFIER), end)
    return tuple(_WORD.findall(found[0])) if found else ()


def _arguments(text: str, start: int) -> tuple[str, ...]:
    """Return the template arguments of a call; () where `<` opens no list before a call."""
    depth, parentheses = 1, 0
    for position in range(start, min(len(text), start + _LONGEST_LIST)):
        character = text[position]
        if character in ";{}":
            return ()
        parentheses += (character == "(") - (character == ")")
        if parentheses == 0:  # `(N > 2)` compares
            depth += (character == "<") - (character == ">")
        if depth == 0:
            is_call = text[position + 1 : position + 40].lstrip().startswith("(")
            return split_arguments(text[start:position]) if is_call else ()
    return ()
