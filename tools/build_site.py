"""Build the documentation as a site: python tools/build_site.py [--into FOLDER].

The site has the paths of the repository, so that a link between two pages leads to the same place
here and where the repository is shown. It stands in FOLDER/site, by default build/site, and its
pages are copied to FOLDER/site-pages. What is listed in docs/site.toml, and in which order, is the
navigation. A dead link, a dead anchor or a page that is not listed ends this with status 1.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build"
PAGES = "site-pages"
SITE = "site"
CONFIGURATION = ROOT / "docs" / "site.toml"
# Beside the pages that stand in the root.
COPIED = ("LICENSE", "action.yml", "docs")
NOT_COPIED = shutil.ignore_patterns("inputs")
EXAMPLES = "examples"
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
# What a folder's pages are called together.
FOLDERS = {
    "docs/operators/": "Each operator",
    "docs/rules/": "Rules",
    "docs/reports/": "Reports of vLLM's changes",
}
_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)


def main() -> None:
    """Build the site, or say what is wrong with it."""
    parser = argparse.ArgumentParser(description="Build the documentation as a site.")
    parser.add_argument("--into", type=Path, default=BUILD, metavar="FOLDER")
    folder: Path = parser.parse_args().into
    stage(folder)
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    completed = subprocess.run(
        [*command, "--config-file", "mkdocs.yml"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )
    # A strict build ends with a traceback behind its warnings.
    said, _, _ = (completed.stdout + completed.stderr).partition("Traceback")
    print(_COLOUR.sub("", said).rstrip())
    if completed.returncode:
        raise SystemExit("the site has the problems above; see docs/development.md, The site")
    print(f"the site is in {folder / SITE}; to look at it, with its search:")
    print(f"python3 -m http.server --bind 127.0.0.1 --directory {folder / SITE}")


def stage(folder: Path) -> None:
    """Copy the pages to a folder of FOLDER, and write FOLDER/mkdocs.yml."""
    source = folder / PAGES
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    for name in (*COPIED, *(page.name for page in ROOT.glob("*.md"))):
        copied = ROOT / name
        if copied.is_dir():
            shutil.copytree(copied, source / name, ignore=NOT_COPIED)
        else:
            shutil.copy(copied, source / name)
    (source / EXAMPLES).mkdir()
    for example in (ROOT / EXAMPLES).glob("*.*"):
        shutil.copy(example, source / EXAMPLES / example.name)
    (folder / "mkdocs.yml").write_text(json.dumps(configuration(source), indent=1), "utf-8")


def configuration(source: Path) -> dict[str, Any]:
    """Return what the generator reads, with the navigation made of docs/site.toml's.

    Raises:
        SystemExit: for a page that is listed and not there, or there and not listed.
    """
    read = tomllib.loads(CONFIGURATION.read_text("utf-8"))
    nav = [{part["title"]: [*_entries(source, part["pages"])]} for part in read["nav"]]
    listed = {path for part in nav for entries in part.values() for path in _paths(entries)}
    there = {str(page.relative_to(source)) for page in source.rglob("*.md")}
    if there - listed:
        raise SystemExit(f"docs/site.toml lists no {', '.join(sorted(there - listed))}; add each")
    if listed - there:
        lost = ", ".join(sorted(listed - there))
        raise SystemExit(f"docs/site.toml lists {lost}, and there is no such page; take it out")
    site: dict[str, Any] = read["site"]
    return site | {"docs_dir": PAGES, "site_dir": SITE, "nav": nav}


def _entries(source: Path, pages: list[str]) -> Iterator[Any]:
    """Yield a part's entries; a folder's pages stand together, its README first."""
    for page in pages:
        if not page.endswith("/"):
            yield page
            continue
        found = sorted(
            (source / page).glob("*.md"), key=lambda path: (path.name != "README.md", path.name)
        )
        listed = [{_page_title(path): str(path.relative_to(source))} for path in found]
        yield {FOLDERS[page]: listed}


def _page_title(path: Path) -> str:
    found = _HEADING.search(path.read_text("utf-8"))
    return found.group(1).replace("`", "") if found else path.stem


def _paths(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            for value in entry.values():
                yield from _paths(value if isinstance(value, list) else [value])


if __name__ == "__main__":
    main()
