from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from machine_tools import lacking
from pages.browsers import find, missing

if TYPE_CHECKING:
    from pathlib import Path

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
# Milliseconds: machines where the tests run are at times many times slower than others.
PATIENCE = 120_000


@dataclass
class Visit:
    """A page in the browser, and everything it asked for or complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


Open = Callable[..., Visit]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = find()
    if path is None:
        lacking(missing())
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, timeout=PATIENCE)
        yield launched
        launched.close()


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Return a function that opens HTML as a file, as a reader would."""
    contexts = []

    def open_page(
        html: str,
        *,
        size: dict[str, int] = DESKTOP,
        theme: str = "light",
        scripts: bool = True,
        fragment: str = "",
    ) -> Visit:
        path = tmp_path / "page.html"
        path.write_text(html, "utf-8")
        options: dict[str, Any] = {"viewport": size, "color_scheme": theme}
        context = browser.new_context(java_script_enabled=scripts, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        seen = Visit(context.new_page())
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on("console", lambda message: seen.complaints.append(message.text))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.on("dialog", lambda dialog: seen.complaints.append(dialog.message))
        seen.page.goto(path.as_uri() + fragment)
        return seen

    yield open_page
    for context in contexts:
        context.close()


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def elements_of(html: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return each element's name and those of its attributes, as a browser would find them."""
    parser = _Elements()
    parser.feed(html)
    return parser.found


def violations(page: Page) -> list[str]:
    """Return what axe-core finds that is serious or critical."""
    script = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    # The page's policy forbids foreign scripts; evaluation through the debugger is not the page's.
    page.evaluate(script)
    results = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['impact']} {each['id']}: {[node['html'][:120] for node in each['nodes'][:3]]}"
        for each in results["violations"]
        if each["impact"] in {"serious", "critical"}
    ]
