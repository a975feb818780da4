"""What was read before and cannot be read now is neither gone nor fixed; what is empty is said."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from change.change_reports import PROJECTS, UNGUARDED, statements
from change.test_revisions import commit, run
from checker.trees_on_disk import git, write_folder

if TYPE_CHECKING:
    from pathlib import Path

LISTED = '["csrc/registry.cpp", "csrc/nearest.cu"]'
OPERATORS = {"demo::farthest", "demo::nearest", "demo::sorted_points"}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository of an extension with two errors: a source is in no list."""
    root = tmp_path / "extension"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch", "main")
    commit(root, "Begin", "operator_chain_binds_a_function_of_no_listed_source")
    return root


def judged(root: Path, *options: str) -> tuple[int, Any]:
    arguments = ("HEAD~1..HEAD", "--repository", root, "--output-format", "json", *options)
    result = run(*arguments)
    return result.exit_code, json.loads(result.stdout)


def rewrite(root: Path, way: str) -> None:
    """Write setup.py so that its list is not to be worked out, in one way or another."""
    script = root / "setup.py"
    text = script.read_text()
    assert LISTED in text
    ways = {
        "from a service": "import requests\n" + text.replace(LISTED, "requests.get('x').json()"),
        "from the environment": "import os\n"
        + text.replace(LISTED, "os.environ['SOURCES'].split()"),
        "no Python": f"{text}\ndef (\n",
        "by another package": "from our_builders import build\n\nbuild()\n",
    }
    script.write_text(ways[way])
    commit(root, "Rewrite the build")


WAYS = ["from a service", "from the environment", "no Python", "by another package"]


@pytest.mark.parametrize("way", WAYS)
def test_a_list_that_cannot_be_read_any_more_fixes_nothing(repository: Path, way: str) -> None:
    rewrite(repository, way)
    _, found = judged(repository)
    review = found["review"]
    assert review["fixed"] == []
    unread = {each["operator"] for each in review["unread"] if each["severity"] == "error"}
    assert unread == {"demo::farthest", "demo::sorted_points"}
    said = {each["key"] for each in found["summary"]["paragraph"]}
    assert {"understood.lists", "understood.operators", "summary.unread"} <= said
    assert not said & {"summary.fixed", "summary.removed", "summary.last_operators"}
    assert not {each for each in said if each.endswith(("_mended", "_fine"))}
    (verdict,) = found["summary"]["verdicts"]
    assert (verdict["before"]["imports"], verdict["after"]["imports"]) == ("fails", "undecided")
    assert "impact.import_mended" not in statements(found["risks"])
    assert "impact.fixed" not in statements(found["risks"])


@pytest.mark.parametrize("way", WAYS)
def test_operators_that_are_merely_unread_are_not_gone(repository: Path, way: str) -> None:
    rewrite(repository, way)
    _, found = judged(repository)
    rows = {each["operator"]: each for each in found["matrix"]["rows"]}
    assert set(rows) == OPERATORS
    assert {each["change"] for each in rows.values()} == {"changed"}
    cells = [cell for each in rows.values() for cell in each["cells"]]
    assert {cell["kind"] for cell in cells} == {"other"}
    assert {cell["after"]["verdict"] for cell in cells} == {"undecided"}
    assert found["risks"]["lost"] == []


def test_understanding_less_fails_unless_a_maintainer_accepts_it(repository: Path) -> None:
    rewrite(repository, "from a service")
    assert judged(repository)[0] == 0
    assert judged(repository, "--fail")[0] == 1
    assert judged(repository, "--fail", "--trust-head")[0] == 0


def test_a_list_that_is_read_again_is_compared_as_ever(repository: Path) -> None:
    text = (repository / "setup.py").read_text()
    rewrite(repository, "from a service")
    (repository / "setup.py").write_text(text)
    commit(repository, "List them again")
    status, found = judged(repository, "--fail")
    assert status == 1
    assert {each["rule"] for each in found["review"]["introduced"]} == {"BLD001"}
    assert not {each for each in statements(found["summary"]) if each == "understood.lists"}


def test_a_source_that_leaves_a_list_that_is_read_is_gone(repository: Path) -> None:
    script = repository / "setup.py"
    script.write_text(script.read_text().replace(', "csrc/nearest.cu"', ""))
    commit(repository, "Leave one out")
    _, found = judged(repository)
    assert found["review"]["unread"] == []
    assert "demo::nearest" in {each["operator"] for each in found["review"]["introduced"]}


def test_an_extension_that_is_deleted_is_gone(repository: Path) -> None:
    shutil.rmtree(repository / "csrc")
    (repository / "setup.py").write_text("from setuptools import setup\n\nsetup(name='demo')\n")
    commit(repository, "Delete the extension")
    status, found = judged(repository, "--fail")
    assert status == 0
    assert {each["change"] for each in found["matrix"]["rows"]} == {"removed"}
    assert len(found["review"]["fixed"]) == 2
    assert found["review"]["unread"] == []


def test_a_file_that_cannot_be_read_any_more_takes_nothing_away(repository: Path) -> None:
    registry = repository / "csrc/registry.cpp"
    registry.write_bytes(registry.read_bytes() + b"//" + b"x" * 5_000_000)
    commit(repository, "Generate it")
    status, found = judged(repository, "--fail")
    assert status == 1
    assert found["review"]["fixed"] == []
    assert {each["change"] for each in found["matrix"]["rows"]} == {"changed"}
    files = [e for e in found["summary"]["paragraph"] if e["key"] == "understood.files"]
    assert files[0]["values"]["files"] == ["csrc/registry.cpp"]


def test_a_folder_that_becomes_a_submodule_takes_nothing_away(
    repository: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.move(repository / "csrc", other)
    git(other, "init", "--quiet")
    commit(other, "The sources")
    options = ("-c", "protocol.file.allow=always")
    git(repository, "rm", "--quiet", "-r", "--cached", "csrc")
    git(repository, *options, "submodule", "--quiet", "add", str(other), "csrc")
    commit(repository, "Use a submodule")
    status, found = judged(repository, "--fail")
    assert status == 1
    assert found["review"]["fixed"] == []
    assert {each["change"] for each in found["matrix"]["rows"]} == {"changed"}
    said = {each["key"] for each in found["summary"]["paragraph"]}
    assert "understood.files" in said
    assert "summary.removed" not in said


@pytest.mark.parametrize("output_format", ["markdown", "github-comment", "html"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_format_says_first_that_less_is_understood(
    repository: Path, output_format: str, language: str
) -> None:
    rewrite(repository, "from a service")
    arguments = ("HEAD~1..HEAD", "--repository", repository, "--language", language)
    text = run(*arguments, "--output-format", output_format).stdout
    assert {"en": "Less is understood of the tree after", "zh": "所知减少"}[language] in text
    assert {"en": "Not known to be fixed", "zh": "是否修复不得而知"}[language] in text


def test_a_side_with_nothing_to_check_is_empty_and_said_to_be(tmp_path: Path) -> None:
    notes = write_folder(tmp_path / "notes", {"README.md": b"words\n"})
    arguments = ["--output-format", "json", "--fail"]
    there = run("--before", notes, "--after", PROJECTS / UNGUARDED, *arguments)
    found = json.loads(there.stdout)
    assert there.exit_code == 1
    assert found["before"]["is_empty"]
    assert not found["after"]["is_empty"]
    assert found["summary"]["paragraph"][0]["key"] == "understood.before_empty"
    back = run("--before", PROJECTS / UNGUARDED, "--after", notes, *arguments)
    found = json.loads(back.stdout)
    assert back.exit_code == 0
    assert found["summary"]["paragraph"][0]["key"] == "understood.after_empty"
    # It was deleted: that is known.
    assert [each["rule"] for each in found["review"]["fixed"]] == ["BLD001"]


def test_a_folder_that_a_revision_lacks_is_empty_there(repository: Path) -> None:
    inner = repository / "kernels"
    shutil.copytree(PROJECTS / UNGUARDED, inner)
    commit(repository, "Add kernels")
    status, found = judged(inner, "--fail")
    assert status == 1
    assert found["before"]["is_empty"]
    assert [each["rule"] for each in found["review"]["introduced"]] == ["BLD001"]


def test_a_report_says_what_both_checks_are_based_on(repository: Path) -> None:
    write_folder(repository, {"csrc/more.cu": b"void more() {}\n"})
    commit(repository, "Add a source that no list names")
    _, found = judged(repository)
    before, after = ([each["key"] for each in found[side]["basis"]] for side in ("before", "after"))
    assert before == ["basis.extensions", "basis.unlisted"]
    assert after == ["basis.extensions", "basis.unlisted"]
    text = run("HEAD~1..HEAD", "--repository", repository).stdout
    basis = text.partition("could not be followed:\n\n")[2].partition("\n\n")[0].splitlines()
    sides = [line.partition(":")[0] for line in basis]
    assert sides == ["- before", "- before", "- after", "- after"]
    assert "of 3 sources" in basis[0]
    assert "of 4 sources" in basis[2]
    assert "`csrc/more.cu`" in basis[3]
    page = run("HEAD~1..HEAD", "--repository", repository, "--output-format", "html").stdout
    assert page.count("after: not followed") == 1
    run_again = run("HEAD..HEAD", "--repository", repository).stdout
    both = run_again.partition("could not be followed:\n\n")[2].partition("\n\n")[0]
    assert both.startswith("- based on 1 extension")
