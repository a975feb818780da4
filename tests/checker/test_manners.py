"""The manners of the commands: what a folder belongs to, what is printed, and where to."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from checker.test_command_line import (
    OPERATOR,
    PROJECTS,
    REPAIRED,
    UNGUARDED,
    copy_of,
    report,
    run,
)
from checker.trees_on_disk import commit_all, write_folder
from opparity import __version__
from opparity.checker.reports import addresses
from opparity.checker.results.projects import project_of
from opparity.endings import ExitStatus

if TYPE_CHECKING:
    from pathlib import Path

MISSING = "csrc/quantization/silu_and_mul_per_block_quant.cu"


def test_the_version_is_printed() -> None:
    assert run("--version").stdout == f"opparity {__version__}\n"


def test_statistics_count_each_rule_and_end_as_the_check_does() -> None:
    ended = run("check", UNGUARDED, "--statistics")
    assert (ended.exit_code, ended.stdout) == (1, "1  error  BLD001 registered-not-built\n")
    listed = json.loads(run("check", UNGUARDED, "--statistics", "--output-format", "json").stdout)
    assert [(each["rule"], each["count"]) for each in listed["counts"]] == [("BLD001", 1)]
    clean = run("check", REPAIRED, "--statistics")
    assert (clean.exit_code, clean.stdout) == (0, "")
    refused = run("check", UNGUARDED, "--statistics", "--output-format", "sarif")
    assert refused.exit_code == ExitStatus.NOT_CHECKED
    assert "allowed are text and json" in refused.stderr


def test_the_files_that_would_be_read_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = copy_of(UNGUARDED, tmp_path / "extension")
    (root / "opparity.toml").write_text('exclude = ["/csrc/ops.h"]')
    (root / "notes.md").write_text("no source\n")
    listed = run("check", root, "--show-files").stdout.splitlines()
    assert f"{root}/{MISSING}" in listed
    assert f"{root}/CMakeLists.txt" in listed
    assert not [each for each in listed if each.endswith(("/ops.h", ".md"))]
    monkeypatch.chdir(root / "csrc")
    inside = run("check", "--show-files").stdout.splitlines()
    assert {"../csrc/torch_bindings.cpp", f"../{MISSING}"} <= set(inside)
    assert all(each.startswith("../csrc/") for each in inside)


@pytest.mark.parametrize("command", [["check", "--show", "all"], ["matrix"]])
def test_output_goes_to_a_file_without_colours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    place = tmp_path / "output"
    ended = run(*command, UNGUARDED, "--output-file", place)
    assert ended.exit_code == (1 if command[0] == "check" else 0)
    assert ended.stdout == ""
    assert OPERATOR in place.read_text()
    assert "\x1b" not in place.read_text()
    assert run(*command, UNGUARDED, "-o", tmp_path / "missing/output").exit_code == 2


def test_codes_are_links_where_colours_are_wanted_and_pages_published(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b]8;" not in run("check", UNGUARDED).stdout
    monkeypatch.setattr(addresses, "_published", lambda: "https://pages.example/rules")
    link = r"\x1b\]8;[^;]*;https://pages\.example/rules/BLD001\.md\x1b"
    assert re.search(link, run("check", UNGUARDED).stdout)


@pytest.mark.parametrize(
    ("selected", "errors"),
    [("B", 1), ("BLD", 1), ("BLD0", 1), ("bld00", 1), ("BLD001", 1), ("BLD01", 0), ("MAC", 0)],
)
def test_rules_are_selected_by_what_their_codes_begin_with(selected: str, errors: int) -> None:
    assert report(UNGUARDED, "--select", selected)["summary"]["errors"] == errors
    assert report(UNGUARDED, "--ignore", selected)["summary"]["errors"] == 1 - errors


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        ('"csrc/*.cpp" = ["BLD001"]', False),
        ('"csrc/" = ["BLD"]', False),
        ('"**/*.cpp" = ["registered-not-built"]', False),
        ('"csrc/*.cpp" = ["MAC"]', True),
        ('"csrc/*.cu" = ["BLD001"]', True),
        ('"csrc/*.cpp" = []', True),
    ],
)
def test_rules_are_left_out_for_some_files_and_that_is_counted(
    tmp_path: Path, patterns: str, left: bool
) -> None:
    root = copy_of(UNGUARDED, tmp_path)
    (root / "opparity.toml").write_text(f"[per-file-ignores]\n{patterns}\n")
    assert bool(report(root)["findings"]) is left
    assert ("1 left out by per-file-ignores" in run("check", root).stdout) is not left


def test_a_rule_that_does_not_exist_is_refused_for_some_files_too(tmp_path: Path) -> None:
    root = copy_of(UNGUARDED, tmp_path)
    (root / "opparity.toml").write_text('per-file-ignores = {"csrc/" = ["BLD0001"]}')
    refused = run("check", root)
    assert refused.exit_code == ExitStatus.NOT_CHECKED
    assert "did you mean 'BLD001'?" in refused.stderr
    (root / "opparity.toml").write_text('per-file-ignores = ["BLD001"]')
    assert "must be a table of lists" in run("check", root).stderr


def test_a_folder_inside_is_checked_with_its_project_and_reported_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = copy_of(UNGUARDED, tmp_path / "extension")
    whole = report(root)["findings"]
    assert report(root / "csrc")["findings"] == whole
    # The finding rests on a file of this folder, and on none of that one.
    assert report(root / "csrc/quantization")["findings"] == whole
    write_folder(root, {"vllm/__init__.py": b"", "csrc/empty/notes.h": b""})
    other = run("check", root / "vllm")
    assert other.exit_code == ExitStatus.CLEAN
    assert "1 error or warning outside vllm" in other.stdout
    monkeypatch.chdir(root / "csrc")
    assert run("check").stdout.startswith("torch_bindings.cpp:12:3: error BLD001")
    monkeypatch.chdir(root / "vllm")
    assert run("check", "../csrc").stdout.startswith("../csrc/torch_bindings.cpp:12:3: error")


def test_the_matrix_of_a_folder_inside_is_that_of_its_project(tmp_path: Path) -> None:
    root = copy_of(UNGUARDED, tmp_path)
    assert run("matrix", root / "csrc").stdout == run("matrix", root).stdout


def test_a_folder_knows_the_project_that_it_is_part_of(tmp_path: Path) -> None:
    own = b"cmake_minimum_required(VERSION 3.20)\nproject(own)\n"
    root = write_folder(
        tmp_path / "root",
        {
            "setup.py": b"",
            "csrc/part/CMakeLists.txt": b"target_sources(_C PRIVATE a.cpp)\n",
            "csrc/own/CMakeLists.txt": own,
            "csrc/own/deep/a.cpp": b"",
            "examples/package/pyproject.toml": b"",
            "tests/trees/one/a.cpp": b"",
            "opparity.toml": b'exclude = ["/tests/trees/"]\n',
        },
    )
    expected = {
        ".": ".",
        "csrc/part": ".",
        "csrc/own": "csrc/own",
        "csrc/own/deep": "csrc/own",
        "examples/package": "examples/package",
        # The project says that this is no part of it.
        "tests/trees/one": "tests/trees/one",
    }
    assert {each: project_of(root / each) for each in expected} == {
        each: root / found for each, found in expected.items()
    }
    # What is above a repository is another matter.
    commit_all(root / "csrc/part")
    assert project_of(root / "csrc/part") == root / "csrc/part"
    assert project_of(root / "setup.py") == root / "setup.py"


def test_settings_are_found_upward_and_their_patterns_keep_their_root(tmp_path: Path) -> None:
    root = copy_of(UNGUARDED, tmp_path / "whole/kernels/extension")
    settings = tmp_path / "whole/opparity.toml"
    settings.write_text('platforms = ["rocm"]\n')
    assert report(root)["platforms"] == ["rocm"]
    settings.write_text('per-file-ignores = {"/kernels/extension/csrc/*.cpp" = ["BLD"]}\n')
    assert report(root)["findings"] == []
    settings.write_text('per-file-ignores = {"/csrc/*.cpp" = ["BLD"]}\n')
    assert report(root)["findings"]
    settings.write_text('exclude = ["/kernels/extension/csrc/torch_bindings.cpp"]\n')
    assert report(root)["findings"] == []
    # A tree that is excluded as a whole is none of that project's.
    settings.write_text('exclude = ["/kernels/"]\nignore = ["BLD"]\n')
    assert report(root)["findings"]
    settings.write_text('ignore = ["BLD"]\n')
    assert report(root)["findings"] == []
    (root / "opparity.toml").write_text("")
    assert report(root)["findings"]


def test_a_revisions_settings_are_those_of_the_revision(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    root = copy_of(UNGUARDED, whole / "kernels")
    (whole / "opparity.toml").write_text('ignore = ["BLD"]\n')
    revision = commit_all(whole)
    (whole / "opparity.toml").unlink()
    assert report(root)["findings"]
    assert report(root, "--revision", revision)["findings"] == []


def test_a_baseline_is_found_beside_the_settings_above(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    root = copy_of(UNGUARDED, whole / "kernels/extension")
    run("check", root, "--write-baseline", whole / "accepted.json")
    (whole / "opparity.toml").write_text('baseline = "accepted.json"\n')
    assert report(root)["summary"]["accepted_by_baseline"] == 1


@pytest.mark.parametrize(
    ("former", "now"),
    [
        (["explain", "BLD001", "--format", "json"], ["--output-format", "json"]),
        (["rules", "--format", "text"], ["--output-format", "text"]),
        (["doctor", "--json"], ["--output-format", "json"]),
    ],
)
def test_former_spellings_are_followed_with_a_notice(former: list[str], now: list[str]) -> None:
    command = former[: 2 if former[0] == "explain" else 1]
    old, new = run(*former), run(*command, *now)
    assert old.exit_code == new.exit_code == 0
    assert old.stdout == new.stdout
    assert f"is now {' '.join(now)}\n" in old.stderr
    assert "is now" not in new.stderr


def test_a_mistake_is_one_finding_on_all_platforms(tmp_path: Path) -> None:
    root = copy_of(PROJECTS / "vllm_38750_guarded_by_is_rocm", tmp_path)
    # The macro that nobody defines, and a source with two operators that is in no list.
    bindings = root / "csrc/torch_bindings.cpp"
    text = bindings.read_text()
    place = text.rindex("}")
    more = '  ops.def("one(Tensor! x) -> ()", &one);\n  ops.def("two(Tensor! x) -> ()", &two);\n'
    bindings.write_text(f"{text[:place]}{more}{text[place:]}")
    header = root / "csrc/ops.h"
    header.write_text(
        f"{header.read_text()}\nvoid one(torch::Tensor& x);\nvoid two(torch::Tensor& x);\n"
    )
    (root / "csrc/both.cu").write_text(
        '#include "ops.h"\nvoid one(torch::Tensor& x) {}\nvoid two(torch::Tensor& x) {}\n'
    )
    findings = report(root)["findings"]
    by_mistake = {each["operator"]: each for each in findings}
    assert set(by_mistake) == {OPERATOR, "_C::one"}
    macro = by_mistake[OPERATOR]
    assert [each["rule"] for each in macro["also"]] == ["MAC001", "MAC001"]
    assert macro["remedy"] == "Test the macro that the build defines."
    source = by_mistake["_C::one"]
    assert (source["platforms"], source["platform"]) == (["cuda", "rocm"], "cuda rocm")
    assert [(each["operator"], each["rule"]) for each in source["also"]] == [("_C::two", "BLD001")]
