"""Templates in, one HTML file out: everything a page needs is inside it."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from opparity import __version__
from opparity.checker.tree.names import printable
from opparity.escapes import in_markup

if TYPE_CHECKING:
    from collections.abc import Mapping

STYLES = ("page.css", "change.css")
SCRIPTS = ("theme.js", "filter.js")
_BREAKS = re.compile(r"(?<=[^_/:])(_+|/|::)(?!$)")
_SPACES = re.compile(r"[^\S\n]")


def render_page(template: str, words: Mapping[str, str], **values: object) -> str:
    """Return a page: a template of templates/, with styles and scripts inlined.

    Whatever a template prints is escaped, and characters that do not print are written as
    backslash escapes, so that nothing read from a tree can act on the page or its reader.
    """
    styles = [_resource(name) for name in STYLES]
    scripts = [_resource(name) for name in SCRIPTS]
    return (
        _environment()
        .get_template(template)
        .render(
            styles=[Markup(text) for text in styles],  # noqa: S704 -- this package's own file
            scripts=[Markup(text) for text in scripts],  # noqa: S704 -- this package's own file
            policy=_policy(styles, scripts),
            version=__version__,
            word=words.__getitem__,
            **values,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("opparity.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalized,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["breakable"] = breakable
    environment.filters["quoted"] = quoted
    return environment


def finalized(value: object) -> object:
    """Return what a template prints: text becomes printable; markup was made from such text."""
    return _markup(value) if type(value) is str else value


def _markup(text: str) -> Markup:
    return Markup(in_markup(str(escape(printable(text)))))  # noqa: S704 -- escaped


def breakable(name: str) -> Markup:
    """Return a name or path that may be broken into lines after `_`, `/` and `::`."""
    return Markup(_BREAKS.sub(r"\1<wbr>", str(_markup(name))))  # noqa: S704 -- escaped there


def quoted(text: str) -> str:
    """Return prose as one text whose lines are kept; every other white space is a plain one."""
    return Markup("\n").join(
        _markup(_SPACES.sub(" ", line.expandtabs())) for line in text.splitlines()
    )


@cache
def _resource(name: str) -> str:
    return files(__package__).joinpath("resources", name).read_text("utf-8")


def _policy(styles: list[str], scripts: list[str]) -> str:
    """Return a policy under which nothing is loaded, and no script runs but the page's own."""
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src {' '.join(map(_digest, styles))}",
            f"script-src {' '.join(map(_digest, scripts))}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
