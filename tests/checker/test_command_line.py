from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from checker.trees_on_disk import commit_all, write_folder, write_tar
from opparity.checker.reports import OutputFormat
from opparity.checker.reports.explanation import pages
from opparity.checker.rules.table import RULES
from opparity.command_line import application
from opparity.endings import ExitStatus

PROJECTS = Path(__file__).parents[1] / "projects"
UNGUARDED = PROJECTS / "vllm_38750_unguarded"
DRAFT = PROJECTS / "vllm_38750_guarded_by_is_rocm"
REPAIRED = PROJECTS / "vllm_38750_guarded_by_use_rocm"
PAIR = ("--platform", "cuda", "--platform", "rocm")
OPERATOR = "_C::silu_and_mul_per_block_quant"


def run(*arguments: object) -> Any:  # noqa: ANN401 -- typer does not publish the class
    return CliRunner().invoke(application, [str(each) for each in arguments])


def report(*arguments: object) -> dict[str, Any]:
    result = run("check", *arguments, "--output-format", "json")
    assert result.exit_code in {ExitStatus.CLEAN, ExitStatus.FINDINGS}, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def copy_of(project: Path, root: Path) -> Path:
    files = {
        path.relative_to(project).as_posix(): path.read_bytes()
        for path in project.rglob("*")
        if path.is_file() and path.name != "expected.json"
    }
    return write_folder(root, files)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("project", [UNGUARDED, DRAFT, REPAIRED], ids=lambda path: path.name)
def test_the_replay_of_38750_is_found_until_it_is_repaired(project: Path) -> None:
    expected = json.loads((project / "expected.json").read_text())
    document = report(project)
    assert document["platforms"] == expected["platforms"]
    errors = [each for each in document["findings"] if each["severity"] == "error"]
    wanted = [each for each in expected["findings"] if each["severity"] == "error"]
    keys = wanted[0] if wanted else ()
    assert [{key: each[key] for key in keys} for each in errors] == wanted
    assert not [each for each in document["unknowns"] if each["operator"] == OPERATOR]


def test_exit_statuses_tell_clean_findings_and_not_checked_apart(tmp_path: Path) -> None:
    assert run("check", REPAIRED).exit_code == ExitStatus.CLEAN
    assert run("check", UNGUARDED).exit_code == ExitStatus.FINDINGS
    assert run("check", UNGUARDED, "--exit-zero").exit_code == ExitStatus.CLEAN
    result = run("check", tmp_path / "missing")
    assert result.exit_code == ExitStatus.NOT_CHECKED
    assert result.stdout == ""
    assert "No such file or directory" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--platform", "rocm:"], "examples: rocm, cuda:9.0,12.0"),
        (["--select", "MAC01"], "unknown rule 'MAC01'; did you mean 'MAC001'?"),
        (["--ignore", "registered-not-bilt"], "did you mean 'registered-not-built'?"),
        (["--baseline", "missing.json"], "missing.json: No such file or directory"),
        (["--revision", "no-such-branch"], "no revision 'no-such-branch'"),
        (["--output-format", "yaml"], "yaml"),
    ],
)
def test_a_wrong_option_is_refused_with_what_is_allowed(options: list[str], said: str) -> None:
    result = run("check", UNGUARDED, *options)
    assert result.exit_code == ExitStatus.NOT_CHECKED
    assert said in result.stderr


def test_a_platform_that_is_not_asked_for_is_not_reported() -> None:
    assert report(UNGUARDED, "--platform", "cuda")["findings"] == []
    asked = report(UNGUARDED, "--platform", "cuda:9.0,12.0", "--platform", "rocm:gfx942")
    assert asked["platforms"] == ["cuda:9.0,12.0", "rocm:gfx942"]
    assert [each["platform"] for each in asked["findings"]] == ["rocm:gfx942"]


def test_rules_are_selected_and_ignored_by_code_family_and_name() -> None:
    for options in (["--select", "BLD001"], ["--select", "bld"], ["--select", "SUP,BLD001"]):
        assert report(UNGUARDED, *options)["summary"]["errors"] == 1
    for options in (["--ignore", "BLD"], ["--select", "SUP"], ["--ignore", "registered-not-built"]):
        assert report(UNGUARDED, *options)["summary"]["errors"] == 0


def test_a_revision_and_an_archive_are_checked_as_the_folder_is(tmp_path: Path) -> None:
    root = copy_of(UNGUARDED, tmp_path / "extension")
    broken = commit_all(root)
    expected = report(root)
    archive = write_tar(
        tmp_path / "extension.tar.gz",
        {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file() and ".git" not in path.parts
        },
        top="extension/",
    )
    copy_of(REPAIRED, root)
    assert report(root)["findings"] == []
    assert report(root, "--revision", broken) == expected
    assert report(archive) == expected


def test_a_suppression_accepts_and_an_unused_one_is_found(tmp_path: Path) -> None:
    root = copy_of(UNGUARDED, tmp_path)
    bindings = root / "csrc/torch_bindings.cpp"
    line = '  ops.impl("silu_and_mul_per_block_quant"'
    edit(bindings, line, f"  // opparity: allow(BLD001) the ROCm port is under way\n{line}")
    document = report(root)
    assert document["findings"] == []
    assert document["summary"]["suppressed"] == 1
    edit(root / "CMakeLists.txt", 'if(GPU_LANGUAGE STREQUAL "CUDA")', "if(TRUE)")
    (finding,) = report(root)["findings"]
    assert (finding["rule"], finding["name"]) == ("SUP001", "unused-suppression")
    # On a platform where the finding never was, nothing can be said of the comment.
    assert report(root, "--platform", "cuda")["findings"] == []


def test_a_suppression_without_a_reason_accepts_nothing(tmp_path: Path) -> None:
    root = copy_of(UNGUARDED, tmp_path)
    bindings = root / "csrc/torch_bindings.cpp"
    line = '  ops.impl("silu_and_mul_per_block_quant"'
    edit(bindings, line, f"  // opparity: allow(BLD001)\n{line}")
    assert {each["rule"] for each in report(root)["findings"]} == {"BLD001", "SUP002"}
    edit(bindings, "allow(BLD001)", "allow(BLD01) a reason")
    assert {each["rule"] for each in report(root)["findings"]} == {"BLD001", "SUP003"}


def test_a_baseline_accepts_what_was_and_its_stale_entries_fail(tmp_path: Path) -> None:
    root = copy_of(UNGUARDED, tmp_path / "extension")
    baseline = tmp_path / "baseline.json"
    assert run("check", root, "--write-baseline", baseline).exit_code == ExitStatus.CLEAN
    accepted = report(root, "--baseline", baseline)
    assert accepted["findings"] == []
    assert accepted["summary"]["accepted_by_baseline"] == 1
    copy_of(REPAIRED, root)
    (stale,) = report(root, "--baseline", baseline)["findings"]
    assert stale["rule"] == "SUP004"
    assert stale["operator"] == OPERATOR
    # A check that did not look at ROCm cannot know that the entry is stale.
    assert report(root, "--baseline", baseline, "--platform", "cuda")["findings"] == []


def test_a_baseline_counts_a_finding_of_two_platforms_once(tmp_path: Path) -> None:
    root = copy_of(PROJECTS / "call_suits_no_schema", tmp_path / "extension")
    baseline = tmp_path / "baseline.json"
    told = run("check", root, *PAIR)
    assert ": 1 error, 0 warnings, 0 information, 1 unknown\n" in told.stdout
    written = run("check", root, *PAIR, "--write-baseline", baseline)
    assert written.stderr == f"opparity: {baseline} accepts 1 finding\n"
    assert len(json.loads(baseline.read_text())["accepted"]) == 2
    accepted = run("check", root, *PAIR, "--baseline", baseline)
    assert ", 1 unknown, 1 in the baseline\n" in accepted.stdout


def test_a_baseline_of_what_cannot_be_decided_is_followed_with_and_without_strict(
    tmp_path: Path,
) -> None:
    root = copy_of(
        PROJECTS / "operator_registered_from_python_where_a_package_is", tmp_path / "extension"
    )
    strict, plain = tmp_path / "strict.json", tmp_path / "plain.json"
    run("check", root, "--strict", "--write-baseline", strict)
    run("check", root, "--write-baseline", plain)
    for more in ((), ("--strict",)):
        document = report(root, "--baseline", strict, *more)
        assert (document["findings"], document["unknowns"]) == ([], [])
        assert document["summary"]["accepted_by_baseline"] == 1
    assert json.loads(plain.read_text())["accepted"] == []
    assert len(report(root, "--baseline", plain)["unknowns"]) == 1
    assert len(report(root, "--baseline", plain, "--strict")["findings"]) == 1


def test_the_configuration_of_the_tree_is_followed_and_the_command_line_goes_before(
    tmp_path: Path,
) -> None:
    root = copy_of(UNGUARDED, tmp_path)
    settings = root / "opparity.toml"
    settings.write_text('platforms = ["cuda"]')
    assert report(root)["platforms"] == ["cuda"]
    assert report(root, "--platform", "rocm")["summary"]["errors"] == 1
    settings.write_text('ignore = ["BLD001"]')
    assert report(root)["summary"]["errors"] == 0
    settings.write_text('exclude = ["/csrc/torch_bindings.cpp"]')
    assert report(root)["summary"]["errors"] == 0
    settings.write_text("strct = true")
    result = run("check", root)
    assert result.exit_code == ExitStatus.NOT_CHECKED
    assert "unknown key 'strct'; did you mean 'strict'?" in result.stderr


def test_strict_makes_findings_of_what_cannot_be_decided(tmp_path: Path) -> None:
    root = copy_of(REPAIRED, tmp_path)
    (root / "huge.cu").write_bytes(b"//" + b"x" * 5_000_000)
    plain = run("check", root, "--output-format", "json")
    assert plain.exit_code == ExitStatus.CLEAN
    (unknown,) = json.loads(plain.stdout)["unknowns"]
    assert (unknown["name"], unknown["path"]) == ("file-not-read", "huge.cu")
    strict = run("check", root, "--strict", "--output-format", "json")
    assert strict.exit_code == ExitStatus.FINDINGS
    document = json.loads(strict.stdout)
    assert document["unknowns"] == []
    assert [each["name"] for each in document["findings"]] == ["file-not-read"]


@pytest.mark.parametrize("output_format", OutputFormat)
def test_every_format_comes_from_the_command(output_format: OutputFormat) -> None:
    result = run("check", UNGUARDED, "--output-format", output_format.value)
    assert result.exit_code == ExitStatus.FINDINGS
    assert "BLD001" in result.stdout
    assert "silu_and_mul_per_block_quant" in result.stdout
    assert "rocm" in result.stdout


def test_paths_are_relative_to_where_the_command_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECTS)
    text = run("check", UNGUARDED.name).stdout
    assert text.startswith("vllm_38750_unguarded/csrc/torch_bindings.cpp:12:3: error BLD001")
    monkeypatch.chdir(UNGUARDED)
    assert run("check").stdout.startswith("csrc/torch_bindings.cpp:12:3: error BLD001")
    # Programs are told the path inside the tree, wherever they run.
    assert report(UNGUARDED)["findings"][0]["path"] == "csrc/torch_bindings.cpp"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.code))
def test_every_rule_explains_itself(rule: type[Any]) -> None:
    text = run("explain", rule.code).stdout
    assert text.startswith(f"# {rule.code} {rule.name}\n")
    for section in ("## Why is this bad?", "## Example", "## Use instead"):
        assert section in text
    assert run("explain", rule.name.upper()).stdout == text
    document = json.loads(run("explain", rule.code.lower(), "--output-format", "json").stdout)
    assert document["page"] in text
    assert document["summary"].endswith(".")


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("BLD0001", "BLD001"),
        ("bld6", "BLD006"),
        ("bld-6", "BLD006"),
        ("BLD 16", "BLD016"),
        ("CAL0011", "CAL011"),
        ("mac4", "MAC004"),
        ("BDL006", "BLD006"),
        ("called-not-bilt", "called-not-built"),
    ],
)
def test_a_rule_that_does_not_exist_is_refused_with_the_nearest(given: str, near: str) -> None:
    result = run("explain", given)
    assert result.exit_code == ExitStatus.NOT_CHECKED
    assert f"did you mean '{near}'?" in result.stderr


def test_a_number_that_no_rule_has_is_near_to_none_of_that_number() -> None:
    assert "did you mean" not in run("explain", "xyz6").stderr


def test_the_rules_are_listed_once_each() -> None:
    lines = run("rules").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [rule.code for rule in RULES]
    assert len({rule.code for rule in RULES}) == len({rule.name for rule in RULES}) == len(RULES)
    listed = json.loads(run("rules", "--output-format", "json").stdout)
    assert [each["code"] for each in listed["rules"]] == [rule.code for rule in RULES]


def test_the_pages_in_docs_are_current(tmp_path: Path) -> None:
    folder = Path(__file__).parents[2] / "docs/rules"
    committed = {path.name: path.read_text() for path in folder.iterdir()}
    assert committed == pages(RULES), "run: opparity rules --write-docs docs/rules"
    (tmp_path / "OLD001.md").write_text("a rule that is no more")
    run("rules", "--write-docs", tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == committed


def test_the_command_imports_neither_torch_nor_numpy() -> None:
    script = (
        "import sys; from opparity.command_line import application\n"
        f"sys.argv = ['opparity', 'check', {str(REPAIRED)!r}]\n"
        "try: application()\n"
        "except SystemExit as status: assert status.code == 0, status\n"
        "sys.exit(', '.join({'torch', 'numpy', 'triton'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


HEAVY = frozenset(
    {"torch", "numpy", "triton", "matplotlib", "rich", "jinja2", "pygments", "pathspec"}
    | {"tree_sitter", "tree_sitter_cuda", "tree_sitter_cmake", "tree_sitter_cpp"}
    | {"multiprocessing", "concurrent.futures", "tarfile", "sqlite3", "opparity.checker.facts"}
    | {"opparity.checker.rules", "opparity.checker.analysis", "opparity.operators"}
)


def test_help_loads_no_part_of_the_checker() -> None:
    script = (
        "import sys; from opparity.command_line import application\n"
        "sys.argv = ['opparity', '--help']\n"
        "try: application()\n"
        "except SystemExit as status: assert status.code == 0, status\n"
        f"sys.exit(', '.join({HEAVY!r} & set(sys.modules)) or 0)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, env=environment)


def test_the_matrix_shows_what_rocm_lacks_in_every_format() -> None:
    lines = run("matrix", UNGUARDED).stdout.splitlines()
    assert lines[:3] == [
        "operator                          cuda   rocm",
        "_C::silu_and_mul                  DRIB.  DRIB.",
        "_C::silu_and_mul_per_block_quant  DRIB.  DRI..",
    ]
    markdown = run("matrix", UNGUARDED, "--output-format", "markdown").stdout
    assert f"| `{OPERATOR}` | `DRIB.` | `DRI..` |" in markdown
    document = json.loads(run("matrix", UNGUARDED, "--output-format", "json").stdout)
    assert document["platforms"] == ["cuda", "rocm"]
    (row,) = [each for each in document["operators"] if each["operator"] == OPERATOR]
    built = {name: cell["built"]["answer"] for name, cell in row["platforms"].items()}
    assert built == {"cuda": "yes", "rocm": "no"}
    places = row["platforms"]["cuda"]["built"]["places"]
    assert "csrc/quantization/silu_and_mul_per_block_quant.cu" in {each["path"] for each in places}
    one = json.loads(
        run("matrix", UNGUARDED, "--platform", "rocm", "--output-format", "json").stdout
    )
    assert one["platforms"] == ["rocm"]


def test_a_process_of_its_own_ends_with_all_that_it_said_and_its_status() -> None:
    command = [sys.executable, "-m", "opparity", "check", str(UNGUARDED), "--output-format", "json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == ExitStatus.FINDINGS
    assert json.loads(ended.stdout) == report(UNGUARDED)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_output_that_cannot_be_written_is_no_success() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "opparity", "check", REPAIRED, "--output-format", "json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == ExitStatus.NOT_CHECKED
    assert "No space left" in ended.stderr


@pytest.mark.parametrize(
    ("command", "broken"),
    [
        (["check", UNGUARDED], "opparity.checker.results.inspection.inspect_tree"),
        (["check", UNGUARDED, "--exit-zero"], "opparity.checker.results.inspection.inspect_tree"),
        (["matrix", UNGUARDED], "opparity.checker.analysis.matrix.build_matrix"),
        (["explain", "BLD001"], "opparity.checker.reports.explanation.page"),
        (["report", "--before", UNGUARDED, "--after", DRAFT], "opparity.change.compose.compose"),
        (["history", UNGUARDED, DRAFT, "--operator", "x"], "opparity.history.releases.look"),
    ],
    ids=lambda value: " ".join(map(str, value[:1])) if isinstance(value, list) else "",
)
def test_a_bug_ends_with_three_and_one_line_and_never_as_findings_do(
    monkeypatch: pytest.MonkeyPatch, command: list[object], broken: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RecursionError("too deep\x1b[2J\n::error::")

    monkeypatch.setattr(broken, fail)
    ended = run(*command)
    assert ended.exit_code == int(ExitStatus.CRASHED) == 3
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("opparity: internal error: RecursionError: too deep\\x1b[2J\\n::error::")
    assert "test_command_line.py:" in line


def test_the_traceback_of_a_bug_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("name")

    monkeypatch.setattr("opparity.checker.results.inspection.inspect_tree", fail)
    monkeypatch.setenv("OPPARITY_TRACEBACK", "1")
    ended = run("check", UNGUARDED)
    assert ended.exit_code == ExitStatus.CRASHED
    assert "Traceback (most recent call last)" in ended.stderr


def test_an_error_outside_of_every_command_is_no_finding_either() -> None:
    script = (
        "import sys, opparity.command_line as command_line\n"
        "def fail(**_): raise MemoryError\n"
        "command_line.application = fail\n"
        "command_line.run()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert ended.returncode == ExitStatus.CRASHED
    assert ended.stderr.startswith("opparity: internal error: MemoryError (at ")


@pytest.mark.parametrize(
    ("project", "status"), [(UNGUARDED, ExitStatus.FINDINGS), (REPAIRED, ExitStatus.CLEAN)]
)
def test_a_reader_that_has_seen_enough_is_no_mistake(project: Path, status: ExitStatus) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "opparity", "check", str(project), "--output-format", "json"]
    with os.fdopen(writing, "w") as closed:
        ended = subprocess.run(
            command, stdout=closed, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (ended.returncode, ended.stderr) == (status, "")


def test_invalid_escapes_of_the_tree_are_not_remarked_upon(tmp_path: Path) -> None:
    setup = b"""import torch.utils.cpp_extension as ext
from setuptools import setup
PATTERN = "\\d"
setup(ext_modules=[ext.CUDAExtension("demo._C", ["csrc/a.cu"])])
"""
    use = b'import torch\nPATTERN = "\\d"\nload("demo._C", ffi_type="ctypes")\n'
    files = {"setup.py": setup, "csrc/a.cu": b"void f();\n", "demo.py": use}
    tree = write_folder(tmp_path, files)
    ended = subprocess.run(
        [sys.executable, "-W", "always", "-m", "opparity", "check", str(tree)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == ExitStatus.CLEAN
    assert ended.stderr == ""
