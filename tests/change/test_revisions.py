from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from change.change_reports import DRAFT, OPERATOR, PROJECTS, REPAIRED, UNGUARDED, statements
from checker.trees_on_disk import git, write_folder
from opparity.command_line import application

if TYPE_CHECKING:
    from pathlib import Path

BINDINGS = "csrc/torch_bindings.cpp"


def run(*arguments: object) -> Any:  # noqa: ANN401 -- typer does not publish the class
    return CliRunner().invoke(application, ["report", *(str(each) for each in arguments)])


def report(*arguments: object) -> dict[str, Any]:
    result = run(*arguments, "--output-format", "json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def commit(root: Path, message: str, project: str | None = None, day: int = 1) -> str:
    """Commit the files of a little project, or those that are there."""
    if project is not None:
        for path in (PROJECTS / project).rglob("*"):
            if path.is_file() and path.name != "expected.json":
                place = root / path.relative_to(PROJECTS / project)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, place)
    git(root, "add", "--all", "--force")
    date = f"2026-0{1 + day // 28}-{1 + day % 28:02d}T12:00:00"
    environment = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        git(root, "commit", "--quiet", "--allow-empty", "--no-verify", "--message", message)
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with the story: the operator comes, a draft, the repair."""
    root = tmp_path / "extension"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch", "main")
    (root / "README.md").write_text("An extension.\n")
    commit(root, "Begin", day=0)
    commit(root, "Fuse SiLU and quantisation (#32996)", UNGUARDED, day=3)
    (root / "README.md").write_text("Words only.\n")
    commit(root, "Explain", day=30)
    commit(root, "Guard by IS_ROCM", DRAFT, day=40)
    commit(root, "Test USE_ROCM\n\nFollow-up of #32996.", REPAIRED, day=41)
    return root


def test_two_revisions_are_compared_and_nothing_is_checked_out(repository: Path) -> None:
    (repository / BINDINGS).write_text("not what is committed\n")
    before = git(repository, "status", "--porcelain")
    found = report("HEAD~2..HEAD", "--repository", repository)
    cells = {
        cell["platform"]: cell["kind"]
        for row in found["matrix"]["rows"]
        if row["operator"] == OPERATOR
        for cell in row["cells"]
    }
    assert cells == {"cuda": "guard", "rocm": "withdrawn"}
    assert git(repository, "status", "--porcelain") == before
    assert (repository / BINDINGS).read_text() == "not what is committed\n"


def test_the_commits_between_and_their_numbers_are_the_motivation(repository: Path) -> None:
    motivation = report("HEAD~2..HEAD", "--repository", repository)["motivation"]
    subjects = [each["subject"] for each in motivation["commits"]]
    assert subjects == ["Test USE_ROCM", "Guard by IS_ROCM"]
    assert motivation["commits"][0]["body"] == "Follow-up of #32996."
    assert motivation["numbers"] == ["#32996"]


def test_few_commits_are_quoted_whole_less_who_signed_them(repository: Path) -> None:
    message = "Explain more\n\nWhy `this`.\n\nSigned-off-by: A <a@b>\nCo-authored-by: B <b@c>"
    (repository / "README.md").write_text("More words.\n")
    commit(repository, message, day=50)
    text = run("HEAD~1..HEAD", "--repository", repository).stdout
    assert "  ```text\n  Why `this`.\n  ```" in text
    assert "-by:" not in text
    (repository / "description").write_text("A description.")
    described = run(
        *("HEAD~1..HEAD", "--repository", repository),
        *("--description", repository / "description"),
    ).stdout
    assert "A description." in described
    assert "Why" not in described


def test_the_earlier_commit_that_brought_the_operator_is_a_direct_relation(
    repository: Path,
) -> None:
    related = report("HEAD~2..HEAD", "--repository", repository)["related"]
    (direct,) = related["direct"]
    assert direct["subject"] == "Fuse SiLU and quantisation (#32996)"
    assert (direct["numbers"], direct["date"]) == (["#32996"], "2026-01-04")
    assert direct["operators"] == [OPERATOR]
    assert {"related.touched_operators", "related.touched_build"} <= statements(direct)
    assert related["trend"][0]["period"] == "2026-01"
    assert related["trend"][0]["operators_gained"] == 2


def test_an_earlier_guard_of_another_operator_is_an_indirect_relation(repository: Path) -> None:
    bindings = repository / BINDINGS
    text = bindings.read_text()
    other = '  ops.def("silu_and_mul(Tensor! out, Tensor input) -> ()");'
    bindings.write_text(text.replace(other, f"#ifndef USE_ROCM\n{other}\n#endif"))
    commit(repository, "Keep silu_and_mul from ROCm (#1)", day=50)
    bindings.write_text(text.replace("group_size) -> ", "group_size, bool flag) -> "))
    commit(repository, "Change the schema (#2)", day=51)
    related = report("HEAD~1..HEAD", "--repository", repository)["related"]
    assert "Keep silu_and_mul from ROCm (#1)" in {
        each["subject"] for each in (*related["direct"], *related["indirect"])
    }


def test_a_source_that_one_of_two_lists_lacked_is_told_at_that_list(tmp_path: Path) -> None:
    root = tmp_path / "extension"
    root.mkdir()
    git(root, "init", "--quiet")
    commit(root, "Two lists", "loader_lists_a_source_that_setup_py_lacks")
    script = root / "setup.py"
    text = script.read_text()
    script.write_text(text.replace('norm.cu"', 'norm.cu", "demo/ext/softcap.cu"'))
    assert script.read_text() != text
    commit(root, "The other list too", day=2)
    (row,) = report("HEAD~1..HEAD", "--repository", root)["implementation"]["rows"]
    assert row["path"] == "setup.py"
    assert "change.listed" in statements(row)


def test_three_dots_begin_where_the_two_parted(repository: Path) -> None:
    git(repository, "branch", "feature", "HEAD~1")
    commit(repository, "Something on main", UNGUARDED, day=60)
    git(repository, "checkout", "--quiet", "feature")
    commit(repository, "The repair on a branch", REPAIRED, day=61)
    apart = report("main...feature", "--repository", repository)
    across = report("main..feature", "--repository", repository)
    assert apart["review"]["fixed"][0]["rule"] == "BLD001"
    assert apart["before"]["label"].startswith("main (")
    kinds = [
        {c["kind"] for r in each["matrix"]["rows"] for c in r["cells"]} for each in (apart, across)
    ]
    assert kinds[0] == kinds[1] == {"same", "guard", "withdrawn"}
    changed = {row["path"] for row in apart["implementation"]["rows"]}
    assert changed == {BINDINGS, "csrc/ops.h"}


def test_a_folder_of_a_repository_is_a_tree_of_its_own(repository: Path) -> None:
    inner = repository / "inner/extension"
    inner.parent.mkdir()
    shutil.copytree(PROJECTS / UNGUARDED, inner)
    commit(repository, "An extension inside (#7)", day=60)
    shutil.rmtree(inner)
    shutil.copytree(PROJECTS / REPAIRED, inner)
    commit(repository, "Its repair", day=61)
    found = report("HEAD~1..HEAD", "--repository", inner)
    assert {row["path"] for row in found["implementation"]["rows"]} == {BINDINGS, "csrc/ops.h"}
    assert [each["subject"] for each in found["related"]["direct"]] == ["An extension inside (#7)"]


def test_a_shallow_history_is_said_to_be_one(repository: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "--quiet", "--depth", "2", f"file://{repository}", str(copy))
    related = report("HEAD~1..HEAD", "--repository", copy)["related"]
    assert "related.shallow" in statements(related)
    # Where the clone ends git shows a commit as if it added every file.
    assert related["direct"] == related["indirect"] == related["trend"] == []
    for dots in ("..", "..."):
        result = run(f"HEAD~3{dots}HEAD", "--repository", copy)
        assert result.exit_code == 2
        assert "git fetch --unshallow" in " ".join(result.stderr.split())


def test_a_guard_that_earlier_commits_put_around_the_operator_is_a_direct_relation(
    repository: Path,
) -> None:
    related = report("HEAD~1..HEAD", "--repository", repository)["related"]
    assert [each["subject"] for each in related["direct"]] == [
        "Guard by IS_ROCM",
        "Fuse SiLU and quantisation (#32996)",
    ]
    assert related["direct"][0]["operators"] == [OPERATOR]
    assert "related.guard_beside" in statements(related["direct"][0])


def test_the_first_operator_and_the_last_are_said_to_be_so(repository: Path) -> None:
    for project in ("csrc", "vllm"):
        shutil.rmtree(repository / project, ignore_errors=True)
    (repository / "CMakeLists.txt").unlink()
    commit(repository, "Delete the extension", day=50)
    whole = {"summary.first_operators", "summary.last_operators", "summary.no_operators"}
    for revisions, key in (
        ("HEAD~5..HEAD~4", "summary.first_operators"),
        ("HEAD~1..HEAD", "summary.last_operators"),
        ("HEAD~5..HEAD", "summary.no_operators"),
        ("HEAD~2..HEAD~1", None),
    ):
        summary = report(revisions, "--repository", repository)["summary"]
        said = {each["key"] for each in summary["paragraph"]}
        assert said & whole == ({key} if key else set())
        is_gone = key in {"summary.last_operators", "summary.no_operators"}
        assert all(each["after"] is None for each in summary["verdicts"]) is is_gone


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing..HEAD"], "no revision 'nothing'"),
        (["HEAD..--output=/x"], "no revision '--output=/x'"),
        (["HEAD"], "is not BASE..HEAD"),
        ([], "give BASE..HEAD, or --before A --after B"),
        (["HEAD~1..HEAD", "--before", "x"], "give BASE..HEAD, or --before A --after B"),
        (["--before", "."], "belong together"),
        (["--before", "missing", "--after", "."], "No such file or directory"),
        (["HEAD~1..HEAD", "--description", "missing"], "No such file or directory"),
        (["HEAD~1..HEAD", "--related", "missing"], "No such file or directory"),
        (["HEAD~1..HEAD", "--platform", "rocm:"], "examples: rocm, cuda:9.0,12.0"),
    ],
)
def test_what_cannot_be_reported_is_said_and_ends_with_two(
    repository: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(repository)
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert said in " ".join(result.stderr.split())


def test_a_folder_without_a_repository_is_refused(tmp_path: Path) -> None:
    result = run("HEAD~1..HEAD", "--repository", tmp_path)
    assert result.exit_code == 2
    assert "not a git repository" in result.stderr


def test_histories_that_never_met_are_refused(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "--orphan", "other")
    commit(repository, "Another beginning", day=70)
    result = run("main...other", "--repository", repository)
    assert result.exit_code == 2
    assert "no commit in common" in result.stderr


def test_the_repositorys_own_settings_run_nothing(repository: Path, tmp_path: Path) -> None:
    mark = tmp_path / "it ran"
    program = f"sh -c 'touch \"{mark}\"'"
    for name in ("diff.external", "diff.x.textconv", "gpg.program", "core.pager", "core.fsmonitor"):
        git(repository, "config", name, program)
    git(repository, "config", "log.showSignature", "true")
    (repository / ".gitattributes").write_text("* diff=x\n")
    commit(repository, "Hostile settings", UNGUARDED, day=80)
    mark.unlink(missing_ok=True)
    assert report("HEAD~1..HEAD", "--repository", repository)["review"]["introduced"]
    assert not mark.exists()


def test_fail_ends_with_one_where_an_error_is_introduced(repository: Path) -> None:
    commit(repository, "A relapse", UNGUARDED, day=60)
    assert run("HEAD~1..HEAD", "--repository", repository).exit_code == 0
    assert run("HEAD~1..HEAD", "--repository", repository, "--fail").exit_code == 1
    assert run("HEAD~2..HEAD~1", "--repository", repository, "--fail").exit_code == 0


def test_hostile_names_and_messages_are_shown_as_text(repository: Path) -> None:
    write_folder(
        repository,
        {
            "csrc/`@someone`<b>.cpp": (
                b'#include <torch/library.h>\nTORCH_LIBRARY(_D, m) { m.def("x|y<i>() -> ()"); }\n'
            ),
            "csrc/:(exclude)*.cu": b"// nothing\n",
        },
    )
    commit(repository, "<script>@someone</script> [x](http://a) #1", day=60)
    result = run("HEAD~1..HEAD", "--repository", repository)
    assert result.exit_code == 0, result.output
    assert "`<script>@someone</script> [x](http://a) #1`" in result.stdout
