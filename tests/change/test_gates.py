"""`report --fail` judges a change by the settings of the tree before, whatever the change says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from change.change_reports import OPERATOR, REPAIRED, UNGUARDED
from change.test_revisions import BINDINGS, commit, run
from checker.trees_on_disk import git
from opparity.change.formats import ReportFormat

if TYPE_CHECKING:
    from pathlib import Path

LINE = '  ops.impl("silu_and_mul_per_block_quant"'
ALLOW = "  // opparity: allow(BLD001) nobody builds it for @everyone\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository whose one commit is sound."""
    root = tmp_path / "extension"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch", "main")
    commit(root, "Sound", REPAIRED)
    return root


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def settle(root: Path, settings: str) -> None:
    """Write settings, or a comment where these are one."""
    if settings == "comment":
        replaced(root / BINDINGS, LINE, ALLOW + LINE)
    else:
        (root / "opparity.toml").write_text(settings)


def judged(root: Path, *options: str, revisions: str = "HEAD~1..HEAD") -> tuple[int, Any]:
    arguments = (revisions, "--repository", root, "--fail", "--output-format", "json", *options)
    result = run(*arguments)
    return result.exit_code, json.loads(result.stdout)


def rules(findings: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    return [(each["rule"], each["platforms"]) for each in findings]


BROKEN = [("BLD001", ["rocm"])]
HIDING = {
    "comment": ("comment", "hidden.comment"),
    "ignore": ('ignore = ["BLD"]', "hidden.rule"),
    "select": ('select = ["MAC001"]', "hidden.rule"),
    "platforms": ('platforms = ["cuda"]', "hidden.platform"),
    "exclude": (f'exclude = ["/{BINDINGS}"]', "hidden.excluded"),
}


@pytest.mark.parametrize("way", HIDING)
def test_what_a_change_hides_by_its_own_settings_counts(repository: Path, way: str) -> None:
    settings, reason = HIDING[way]
    commit(repository, "A relapse", UNGUARDED)
    settle(repository, settings)
    commit(repository, "Hide it")
    status, found = judged(repository, revisions="HEAD~2..HEAD")
    assert status == 1
    assert rules(found["review"]["introduced"]) == BROKEN
    (hidden,) = found["review"]["hidden"]
    assert (hidden["finding"]["operator"], hidden["is_new"]) == (OPERATOR, True)
    assert hidden["reason"]["key"] == reason
    # The import fails on ROCm, whatever the settings of the change look at.
    verdicts = {each["platform"]: each["after"] for each in found["summary"]["verdicts"]}
    assert verdicts["rocm"]["imports"] == "fails"
    assert "summary.hidden" in {each["key"] for each in found["summary"]["paragraph"]}


@pytest.mark.parametrize("way", HIDING)
def test_a_maintainer_accepts_what_a_change_hides_and_it_is_listed(
    repository: Path, way: str
) -> None:
    commit(repository, "A relapse", UNGUARDED)
    settle(repository, HIDING[way][0])
    commit(repository, "Hide it")
    status, found = judged(repository, "--trust-head", revisions="HEAD~2..HEAD")
    assert status == 0
    assert found["review"]["introduced"] == []
    (hidden,) = found["review"]["hidden"]
    assert hidden["finding"]["rule"] == "BLD001"
    assert found["review"]["is_trusted"] is True
    assert "summary.accepted" in {each["key"] for each in found["summary"]["paragraph"]}


@pytest.mark.parametrize("way", HIDING)
def test_an_old_error_that_a_change_hides_is_not_fixed(repository: Path, way: str) -> None:
    commit(repository, "A relapse", UNGUARDED)
    settle(repository, HIDING[way][0])
    commit(repository, "Hide it")
    for options, status in (((), 1), (("--trust-head",), 0)):
        ended, found = judged(repository, *options)
        assert ended == status
        assert found["review"]["fixed"] == found["review"]["introduced"] == []
        (hidden,) = found["review"]["hidden"]
        assert (hidden["finding"]["rule"], hidden["is_new"]) == ("BLD001", False)


@pytest.mark.parametrize("way", HIDING)
def test_what_the_tree_before_hides_already_is_not_held_against_a_change(
    repository: Path, way: str
) -> None:
    commit(repository, "A relapse", UNGUARDED)
    settle(repository, HIDING[way][0])
    commit(repository, "Hide it")
    replaced(repository / "CMakeLists.txt", "cmake_minimum_required", "\ncmake_minimum_required")
    commit(repository, "Change something else")
    status, found = judged(repository)
    assert status == 0
    assert found["review"]["hidden"] == found["review"]["introduced"] == []


def test_settings_that_are_looser_are_told_though_they_hide_nothing_yet(repository: Path) -> None:
    settle(repository, 'ignore = ["BLD001"]\nstrict = true\n')
    commit(repository, "Loosen")
    status, found = judged(repository)
    assert (status, found["review"]["hidden"]) == (0, [])
    told = {each["values"]["setting"]: each["values"] for each in found["review"]["settings"]}
    assert told["ignore"] == {"setting": "ignore", "old": "[]", "new": '["BLD001"]'}
    assert told["strict"]["new"] == "true"


def test_stricter_settings_introduce_nothing_that_was_there(repository: Path) -> None:
    settle(repository, 'ignore = ["BLD001"]')
    commit(repository, "A relapse that is ignored", UNGUARDED)
    (repository / "opparity.toml").unlink()
    commit(repository, "Look again")
    status, found = judged(repository)
    assert (status, found["review"]["introduced"]) == (0, [])


def test_what_a_change_introduces_by_its_own_stricter_settings_counts(repository: Path) -> None:
    settle(repository, 'ignore = ["BLD001"]')
    commit(repository, "Ignore")
    settle(repository, "ignore = []")
    commit(repository, "Look again, and break it", UNGUARDED)
    status, found = judged(repository)
    assert status == 1
    assert rules(found["review"]["introduced"]) == BROKEN


def test_a_baseline_of_the_change_accepts_nothing(repository: Path) -> None:
    commit(repository, "A relapse", UNGUARDED)
    entry = {"rule": "BLD001", "operator": OPERATOR, "symbol": "silu_and_mul_per_block_quant"}
    entry |= {"platform": "rocm", "path": BINDINGS}
    text = json.dumps({"schema_version": 1, "accepted": [{**entry, "count": 1}]})
    (repository / "accepted.json").write_text(text)
    settle(repository, 'baseline = "accepted.json"')
    commit(repository, "Accept it")
    status, found = judged(repository, revisions="HEAD~2..HEAD")
    assert status == 1
    assert rules(found["review"]["introduced"]) == BROKEN
    assert [each["values"]["setting"] for each in found["review"]["settings"]] == ["baseline"]


def test_settings_of_a_change_that_cannot_be_read_are_refused(repository: Path) -> None:
    settle(repository, "ignore = [")
    commit(repository, "No settings")
    result = run("HEAD~1..HEAD", "--repository", repository, "--fail")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "opparity.toml" in result.stderr


@pytest.mark.parametrize("output_format", [each for each in ReportFormat if each != "json"])
def test_every_format_says_what_is_hidden_and_quotes_the_reason(
    repository: Path, output_format: ReportFormat
) -> None:
    settle(repository, 'ignore = ["MAC"]')
    commit(repository, "A relapse", UNGUARDED)
    settle(repository, "comment")
    commit(repository, "Hide it")
    arguments = ("HEAD~2..HEAD", "--repository", repository, "--output-format", output_format.value)
    for options, heading in (
        ((), "Hidden by the change"),
        (("--trust-head",), "accepted by a maintainer"),
    ):
        text = run(*arguments, *options).stdout
        assert heading in text
        assert "nobody builds it for @everyone" in text
        if output_format is not ReportFormat.HTML:
            assert "`nobody builds it for @everyone`" in text
        assert "MAC" in text
