from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from typer.testing import CliRunner

from checker.trees_on_disk import git, write_tar
from opparity.change.model import CellChangeKind
from opparity.checker.analysis.verdict import CellVerdict
from opparity.command_line import application
from opparity.history.formats import HistoryFormat, renderer
from opparity.history.model import OperatorHistory, PlatformState, Point
from opparity.history.releases import ordered
from opparity.words.catalogue import catalogue
from opparity.words.language import Language

PROJECTS = Path(__file__).parents[1] / "projects"
STAGES = ("unguarded", "guarded_by_is_rocm", "guarded_by_use_rocm")
OPERATOR = "silu_and_mul_per_block_quant"
SVG = "{http://www.w3.org/2000/svg}"
ROOT = Path(__file__).parents[2]
HOSTILE = "</text><script>alert(1)</script>&\x1b\u202e"


def run(*arguments: object) -> Any:  # noqa: ANN401 -- typer does not publish the class
    return CliRunner().invoke(application, ["history", *(str(each) for each in arguments)])


def history(*arguments: object) -> dict[str, Any]:
    result = run(*arguments, "--output-format", "json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def contents(stage: str) -> dict[str, bytes]:
    root = PROJECTS / f"vllm_38750_{stage}"
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name != "expected.json"
    }


@pytest.fixture
def releases(tmp_path: Path) -> list[Path]:
    """Return the three stages as sdists of 0.9, 0.10 and 0.10.1."""
    versions = ("0.9.0", "0.10.0rc1", "0.10.0")
    return [
        write_tar(tmp_path / f"demo-{version}.tar.gz", contents(stage), f"demo-{version}/")
        for version, stage in zip(versions, STAGES, strict=True)
    ]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository: nothing, the operator, words, the draft, the repair, more words."""
    root = tmp_path / "extension"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch", "main")
    steps: list[tuple[str, str | None]] = [
        ("Begin", None),
        ("Fuse (#32996)", STAGES[0]),
        ("Explain", None),
        ("Guard by IS_ROCM", STAGES[1]),
        ("Test USE_ROCM (#38750)", STAGES[2]),
        ("Explain again", None),
    ]
    for number, (message, stage) in enumerate(steps):
        (root / "README.md").write_text(f"{number}\n")
        if stage is not None:
            shutil.copytree(PROJECTS / f"vllm_38750_{stage}", root, dirs_exist_ok=True)
        git(root, "add", "--all", "--force")
        git(root, "commit", "--quiet", "--no-verify", "--message", message)
    return root


def rocm(found: dict[str, Any]) -> list[tuple[str, str]]:
    number = found["platforms"].index("rocm")
    return [
        (each["states"][number]["verdict"], each["states"][number]["change"])
        for each in found["points"]
    ]


def test_releases_are_told_in_the_order_of_their_versions(releases: list[Path]) -> None:
    found = history(*reversed(releases), "--operator", OPERATOR)
    assert [each["label"] for each in found["points"]] == ["0.9.0", "0.10.0rc1", "0.10.0"]
    assert rocm(found) == [("broken", "same"), ("broken", "guard"), ("absent", "withdrawn")]
    assert found["points"][2]["states"][0]["guard"] == "!defined(USE_ROCM)"


def test_trees_without_a_version_stay_in_the_order_given(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("b", "demo-2.0", "a")]
    assert ordered(paths) == paths
    versions = [Path(f"vllm-{v}.tar.gz") for v in ("0.10.0", "0.8.5.post1", "0.8.5", "0.9.0rc1")]
    named = [path.name.removesuffix(".tar.gz") for path in ordered(versions)]
    assert named == ["vllm-0.8.5", "vllm-0.8.5.post1", "vllm-0.9.0rc1", "vllm-0.10.0"]


def test_an_operator_may_be_named_with_its_library(releases: list[Path]) -> None:
    whole = history(*releases, "--operator", f"_C::{OPERATOR}")
    assert rocm(whole) == rocm(history(*releases, "--operator", OPERATOR))
    assert whole["points"][0]["names"] == [f"_C::{OPERATOR}"]


def test_the_commits_that_matter_are_found_even_where_only_the_guard_changes(
    repository: Path,
) -> None:
    found = history(repository, "--operator", OPERATOR)
    subjects = [each["subject"] for each in found["points"]]
    assert subjects == ["Fuse (#32996)", "Guard by IS_ROCM", "Test USE_ROCM (#38750)"]
    assert rocm(found) == [("broken", "same"), ("broken", "guard"), ("absent", "withdrawn")]
    assert found["looked_through"] == 6


def test_a_folder_of_a_repository_and_an_older_revision_can_be_asked(repository: Path) -> None:
    inner = repository / "inner"
    shutil.copytree(PROJECTS / f"vllm_38750_{STAGES[0]}", inner)
    git(repository, "add", "--all", "--force")
    git(repository, "commit", "--quiet", "--no-verify", "--message", "A copy inside")
    assert [p["subject"] for p in history(inner, "--operator", OPERATOR)["points"]] == [
        "A copy inside"
    ]
    older = history(repository, "--operator", OPERATOR, "--revision", "HEAD~4")
    assert [each["subject"] for each in older["points"]] == ["Fuse (#32996)"]


def test_only_so_many_commits_are_inspected_and_the_others_counted(repository: Path) -> None:
    found = history(repository, "--operator", OPERATOR, "--most", 1)
    assert [each["subject"] for each in found["points"]] == ["Test USE_ROCM (#38750)"]
    assert found["left_out"] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--operator", "silu_and_mul_per_block_qant"], "similar: silu_and_mul_per_block_quant"),
        (["--operator", ""], "no operator ''"),
    ],
)
def test_an_operator_that_no_tree_has_is_refused_with_what_is_near(
    releases: list[Path], arguments: list[str], said: str
) -> None:
    result = run(*releases, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert said in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--operator", "never_there"], "no operator 'never_there'"),
        (["--operator", OPERATOR, "--revision", "nothing"], "no revision 'nothing'"),
        (["--operator", OPERATOR, "--platform", "rocm:"], "is not NAME or NAME:ARCH"),
    ],
)
def test_what_a_repository_cannot_answer_is_said(
    repository: Path, arguments: list[str], said: str
) -> None:
    result = run(repository, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_clone_without_the_files_of_older_commits_is_refused_with_the_way_out(
    repository: Path, tmp_path: Path
) -> None:
    git(repository, "config", "uploadpack.allowFilter", "true")
    copy = tmp_path / "copy"
    source = f"file://{repository}"
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", source, str(copy))
    result = run(copy, "--operator", OPERATOR)
    assert result.exit_code == 2
    assert "git fetch --refetch --no-filter" in result.stderr


@pytest.mark.parametrize("output_format", ["text", "markdown", "html", "svg"])
def test_a_shallow_clone_is_said_to_be_one(
    repository: Path, tmp_path: Path, output_format: str
) -> None:
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "--quiet", "--depth", "2", f"file://{repository}", str(copy))
    asked = ("--operator", "silu_and_mul_per_block_quant", "--output-format", output_format)
    assert "The clone is shallow" in run(copy, *asked).stdout
    assert "The clone is shallow" not in run(repository, *asked).stdout


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    result = run(tmp_path, "--operator", OPERATOR)
    assert result.exit_code == 2
    assert "not a git repository" in result.stderr


def test_the_json_is_what_its_schema_says(releases: list[Path]) -> None:
    schema = json.loads((ROOT / "docs/schemas/history.schema.json").read_text("utf-8"))
    found = history(*releases, "--operator", OPERATOR)
    jsonschema.Draft202012Validator(schema).validate(found)


@pytest.mark.parametrize("language", Language)
def test_the_picture_has_a_cell_for_every_point_and_platform(
    releases: list[Path], tmp_path: Path, language: Language
) -> None:
    place = tmp_path / "life.svg"
    run(*releases, "--operator", OPERATOR, "--picture", place, "--language", language.value)
    picture = ET.fromstring(place.read_text("utf-8"))  # noqa: S314 -- our own
    cells = [each for each in picture.iter(f"{SVG}rect") if "cell" in each.get("class", "")]
    classes = [each.get("class") for each in cells]
    legend = {"works", "broken", "absent"}
    assert len(cells) == 2 * 3 + len(legend)
    assert classes[:6] == [f"cell {s}" for s in ("works",) * 3 + ("broken", "broken", "absent")]
    assert OPERATOR in (picture.findtext(f"{SVG}title") or "")
    width, height = float(picture.get("width", 0)), float(picture.get("height", 0))
    for each in picture.iter(f"{SVG}rect"):
        assert 0 <= float(each.get("x", 0)) + float(each.get("width", 0)) <= width
        assert 0 <= float(each.get("y", 0)) + float(each.get("height", 0)) <= height


def test_hostile_names_are_text_in_the_picture_and_in_the_table() -> None:
    state = PlatformState(HOSTILE, CellVerdict.WORKS, HOSTILE, CellChangeKind.APPEARED)
    point = Point(HOSTILE, "2026-01-01", HOSTILE, (HOSTILE,), (state,))
    found = OperatorHistory(HOSTILE, (HOSTILE,), (point,), 1, 0)
    words = catalogue(Language.ENGLISH)
    picture = ET.fromstring(renderer(HistoryFormat.SVG)(found, words))  # noqa: S314 -- our own
    assert not list(picture.iter(f"{SVG}script"))
    assert "alert(1)" in (picture.findtext(f"{SVG}title") or "")
    for each in (HistoryFormat.TEXT, HistoryFormat.MARKDOWN):
        text = renderer(each)(found, words)
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "`</text><script>" in renderer(HistoryFormat.MARKDOWN)(found, words)


def test_the_table_names_what_changed(releases: list[Path]) -> None:
    text = run(*releases, "--operator", OPERATOR).stdout
    assert text.splitlines()[0] == f"The life of {OPERATOR}"
    assert "no longer registered on rocm" in text
    chinese = run(*releases, "--operator", OPERATOR, "--language", "zh").stdout
    assert "不再于 rocm 上注册" in chinese


def test_the_table_of_commits_has_their_days_and_subjects(repository: Path) -> None:
    lines = run(repository, "--operator", OPERATOR).stdout.splitlines()
    assert lines[1] == "6 commits looked through; 3 points shown."
    day = git(repository, "show", "--no-patch", "--format=%cs", "HEAD~1")
    assert lines[-1].startswith(f"{day} ")
    assert lines[-1].endswith(
        "Test USE_ROCM (#38750) · another guard on cuda; no longer registered on rocm"
    )


def test_the_schemas_are_those_of_the_dataclasses() -> None:
    completed = subprocess.run(
        [sys.executable, "tools/write_schemas.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
