r"""Text that others wrote, made harmless for each output: the one place that does.

Names, paths, labels and values of a tree may hold anything. Every output takes them by a function
of this module, and none of them can end a line, move a cursor, start a command of the runner whose
log it is, or mean anything in Markdown, SARIF or XML.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.tree.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

# A line that GitHub's runner takes for a command; colours may stand before it.
_COMMAND = re.compile(r"^((?:\s|\x1b\[[0-9;]*m)*)::", re.MULTILINE)
# The older form, which it looks for anywhere in a line, and that of Azure's.
_OLDER_COMMAND = re.compile(r"#(?=#(?:vso)?\[)")
# A platform's label that is a name and, at most, architectures: harmless as plain text.
_PLAIN_LABEL = re.compile(r"[a-z]\w{0,15}(:[a-z]{0,4}[0-9]+[a-z]?(\.[0-9]+[a-z]?)?)?", re.ASCII)
_BACKTICKS = re.compile(r"`+")
_LONGEST_CODE = 400
# U+2223 DIVIDES: looks like a bar, and is no column's border.
_BAR_LOOKALIKE = "\u2223"
_SARIF_LINK = re.compile(r"\]\s*\(")


def in_log(text: str) -> str:
    r"""Return lines for a terminal or a log, none of which is a command of a runner: `\::error`."""
    return _OLDER_COMMAND.sub(r"#\\", _COMMAND.sub(r"\1\\::", text))


def in_json(document: str) -> str:
    """Return the same document, JSON already, without an older command in any of its strings."""
    return _OLDER_COMMAND.sub(r"\\u0023", document)


def in_workflow_message(text: str) -> str:
    """Return text as the message of a workflow command: a line end would start another command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def in_workflow_property(text: str) -> str:
    """Return text as the value of a property of a workflow command."""
    return in_workflow_message(text).replace(":", "%3A").replace(",", "%2C")


def in_sarif(text: str) -> str:
    """Return text as a message of SARIF, where `[words](target)` would be a link."""
    if not _SARIF_LINK.search(text):
        return text
    return re.sub(r"([\\\[\]])", r"\\\1", text)


def in_xml(lines: str) -> str:
    """Return text as an element's content; its line ends are kept."""
    from xml.sax.saxutils import escape  # noqa: PLC0415 -- it loads what speaks HTTP: 0.02 s

    return in_markup(escape("\n".join(printable(line) for line in lines.split("\n"))))


def in_xml_attribute(text: str) -> str:
    """Return text as an attribute's value, in its quotes."""
    from xml.sax.saxutils import quoteattr  # noqa: PLC0415 -- as above

    return in_markup(quoteattr(printable(text)))


def in_markup(escaped: str) -> str:
    """Return XML or HTML, escaped already, no line of which is a command of a runner."""
    return _OLDER_COMMAND.sub("&#35;", _COMMAND.sub(r"\1&#58;:", escaped))


def code(text: str, *, longest: int = _LONGEST_CODE) -> str:
    r"""Return text as inline code of Markdown, safe in a table's cell too.

    There GitHub makes no link, mention or reference of it, and Markdown and HTML mean nothing. An
    escape alone would not do: `\@name` still notifies somebody.
    """
    shown = _OLDER_COMMAND.sub(r"#\\", printable(text))
    if len(shown) > longest:
        shown = shown[:longest] + "…"
    if not shown.strip():
        return "—"
    # In a table `\\|` is a bar and not a border, unless a backslash of the text precedes it.
    shown = shown.replace("|", _BAR_LOOKALIKE if "\\" in shown else "\\|")
    fence = "`" * (max(map(len, _BACKTICKS.findall(shown)), default=0) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def code_block(lines: Iterable[str], language: str = "") -> list[str]:
    """Return lines as a code block of Markdown that nothing in them can end."""
    body = [in_log(printable(line.expandtabs(4))) for line in lines]
    longest = max((len(run) for line in body for run in _BACKTICKS.findall(line)), default=0)
    fence = "`" * max(longest + 1, 3)
    return [f"{fence}{language}", *body, fence]


def platform_label(label: str) -> str:
    """Return a platform's label in Markdown."""
    return label if _PLAIN_LABEL.fullmatch(label) else code(label)
