"""The documentation's site builds strictly, asks nothing of the network and fits its window."""

from __future__ import annotations

import subprocess
import sys
import threading
import urllib.request
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import TimeoutError  # noqa: A004 -- playwright's own, not Python's

from pages.conftest import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator

ROOT = Path(__file__).parents[2]
WIDTHS = (390, 820, 1400)
PAGES = (
    "index.html",
    "docs/start-with-a-model.html",
    "docs/operators.html",
    "docs/operators/rms_norm.html",
    "docs/rules/BLD001.html",
    "docs/benchmarks.html",
    "docs/python.html",
    "docs/live-findings.html",
)


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that writes nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing of a request."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build the site, and return the address where it is served."""
    # Not into build: two workers may build it at the same time.
    folder = tmp_path_factory.mktemp("site")
    completed = subprocess.run(
        [sys.executable, "tools/build_site.py", "--into", str(folder)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    pages = str(folder / "site")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=pages))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_site_builds_without_a_warning(site: str) -> None:
    with urllib.request.urlopen(f"{site}/index.html") as page:  # noqa: S310 -- ours
        assert b"<title>" in page.read()


@pytest.mark.parametrize("width", WIDTHS)
def test_pages_ask_nothing_of_the_network_and_do_not_scroll_sideways(
    site: str, browser: Browser, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for name in PAGES:
        page.goto(f"{site}/{name}")
        too_wide = page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        assert not too_wide, name
    context.close()
    assert {url for url in asked if not url.startswith((site, "data:", "blob:"))} == set()


def test_the_search_finds_a_rule(site: str, browser: Browser) -> None:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{site}/index.html")
    field = page.locator("input:visible")
    # Keys and clicks before the page's script has run are lost, which takes seconds where all
    # processors are busy.
    for _ in range(60):
        page.locator(".md-search__button").click()
        if _is_soon_there(field):
            break
    field.fill("registered-not-built")
    # The same words stand in the navigation, which is hidden here.
    page.locator("a:visible", has_text="BLD001").first.wait_for()
    context.close()


def _is_soon_there(locator: Locator) -> bool:
    try:
        locator.wait_for(timeout=2_000)
    except TimeoutError:
        return False
    return True
