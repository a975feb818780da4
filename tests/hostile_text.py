"""Text that nobody vouches for, put into whole records, and parsers of what comes of it."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from markdown_it import MarkdownIt

from opparity.words.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from markdown_it.token import Token

Record = TypeVar("Record")

HOSTILE = [
    "<script>alert(1)</script>",
    "</details></td></table><img src=x onerror=alert(1)>",
    "@everyone please look",
    "[a link](https://example.invalid/x)",
    "https://example.invalid/x www.example.invalid a@example.invalid",
    "closes #1 and fixes GH-2",
    "`` ` ```\n```\n# heading @someone\n<b>",
    "a|b\\|c|@someone|",
    "\\| @someone `|`",
    "](javascript:alert(1))",
    "\u202eright to left\u2066 \x1b[31m \x00",
    "![](https://example.invalid/pixel.png)",
    "-->\n<iframe>",
    "line\r\n\r\n@someone",
    "~~~\n@someone\n~~~",
    "<https://example.invalid>",
    "&lt;b&gt; &#64;someone",
]
# Further ones, for outputs that a runner logs, or that a terminal or a library takes for markup.
LOGGED = [
    *HOSTILE,
    "::error title=pwn::from a tree",
    " \t::set-output name=x::y",
    "a\n::warning::b\n::endgroup::",
    "##[error]from a tree",
    "x ##[set-env name=PATH;]y\n##vso[task.setvariable variable=x]y",
    "\x1b]0;title\x07\x1b]8;;https://example.invalid\x1b\\x\x9b2J\x85\u2028",
    "[bold red]x[/] [/x] [link=https://example.invalid]y[/link] :smile:",
    "%0A::error::x%",
    "\ud800 ]]> <!-- ' \" &amp; \ufffe",
    "//example.invalid/x:1:2,col=3",
]

PARSER = MarkdownIt("commonmark").enable("table")
OURS = {"<br>", "<details>", "</details>", "<!-- opparity report -->"}
SUMMARY = re.compile(r"<summary>\w[\w ]*</summary>")
_STYLE = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b]*\x1b\\")
_COMMAND = re.compile(r"::(?P<name>[\w-]+)(?: (?P<properties>.*?))?::(?P<message>.*)")


def spoiled(record: Record, text: str, ours: Container[str] = ()) -> Record:
    """Return a record with a foreign text in place of each text, in all that it holds.

    Fields that are `ours`, such as a rule's code, are left as they are.
    """
    return _spoiled(record, text, ours)  # type: ignore[no-any-return] # a record gives one


def _spoiled(value: Any, text: str, ours: Container[str]) -> Any:  # noqa: ANN401 -- any field
    if type(value) is str:
        return text
    if type(value) in {tuple, list, frozenset}:
        return type(value)(_spoiled(each, text, ours) for each in value)
    if type(value) is dict:
        return {key: _spoiled(each, text, ours) for key, each in value.items()}
    if isinstance(value, Statement):
        pairs = tuple((name, _spoiled(each, text, ours)) for name, each in value.values)
        return Statement(value.key, pairs)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            each.name: _spoiled(getattr(value, each.name), text, ours)
            for each in fields(value)
            if each.init
            and each.name not in ours
            and f"{type(value).__name__}.{each.name}" not in ours
        }
        return replace(value, **changed)
    return value


def tokens(text: str) -> Iterator[Token]:
    for token in PARSER.parse(text):
        yield token
        yield from token.children or ()


def assert_harmless(markdown: str) -> None:
    for token in tokens(markdown):
        assert token.type not in {"link_open", "image", "html_inline_open"}
        if token.type in {"html_inline", "html_block"}:
            for line in token.content.strip().splitlines():
                assert line in OURS or SUMMARY.fullmatch(line), line
        if token.type == "text":
            assert not re.search(r"@\w|https?:|www\.|\bGH-\d", token.content), token.content
            assert not re.search(r"(?<![\w&])#\d", token.content), token.content
            assert token.content.isprintable(), token.content


def commands_in(log: str) -> list[tuple[str, dict[str, str], str]]:
    """Return what GitHub's runner does when a log has these lines: command, properties, message."""
    found = []
    for line in re.split(r"\r\n|\r|\n", log):
        match = _COMMAND.match(_STYLE.sub("", line).strip())
        if match:
            pairs = [pair.partition("=") for pair in (match["properties"] or "").split(",")]
            given = {name.strip(): _unescaped(value) for name, _, value in pairs if name.strip()}
            found.append((match["name"], given, _unescaped(match["message"])))
        else:
            older = re.search(r"##(?:vso)?\[([^\]]*)\](.*)", line)
            if older:
                found.append((older[1], {}, older[2]))
    return found


def _unescaped(text: str) -> str:
    for escape, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ",")):
        text = text.replace(escape, character)
    return text.replace("%25", "%")


def assert_plain(log: str) -> None:
    """State that lines move no cursor and start no command; colours and links are the checker's."""
    assert all(line.isprintable() for line in _STYLE.sub("", log).split("\n"))
    assert commands_in(log) == []
