"""action.yml: its scripts are run as they stand, on a scratch repository and a stand-in for gh."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from checker.trees_on_disk import commit_all
from opparity.change.formats.github_comment import MARKER

ROOT = Path(__file__).parents[1]
PROJECTS = ROOT / "tests/projects"
ACTION: dict[str, Any] = YAML(typ="safe").load(ROOT / "action.yml")
STEPS: dict[str, dict[str, Any]] = {step["name"]: step for step in ACTION["runs"]["steps"]}
GUIDE = (ROOT / "docs/github-action.md").read_text("utf-8")
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
HOSTILE = '"; touch pwned; $(touch pwned) `touch pwned` ${IFS} <script>x</script> @everyone'

# Answers as gh does, from a file of comments; every call is noted.
GH = """
import json, os, sys
from pathlib import Path
state = Path(os.environ["GH_STATE"])
found = json.loads(state.read_text())
arguments = sys.argv[1:]
found["calls"].append(list(arguments))
assert arguments.pop(0) == "api"
method, body, path = "GET", None, None
while arguments:
    each = arguments.pop(0)
    if each == "--method":
        method = arguments.pop(0)
    elif each == "--field":
        name, _, value = arguments.pop(0).partition("=")
        assert name == "body" and value.startswith("@")
        body = Path(value[1:]).read_text("utf-8")
    elif each not in {"--silent", "--paginate"}:
        path = each
state.write_text(json.dumps(found))
if method == "GET" and "/pulls/" in path:
    if os.environ.get("GH_REFUSES") == "reviews":
        sys.exit("gh: Not Found (HTTP 404)")
    kind = path.rpartition("/")[2]
    for comment in found.get("review", {}).get(kind, []):  # a page each
        print(json.dumps([comment]))
    sys.exit()
comments = found["comments"]
refused = os.environ.get("GH_REFUSES")
if refused == "everything":
    sys.exit("gh: Resource not accessible by integration (HTTP 403)")
if method == "GET":
    for comment in comments:  # a page each
        print(json.dumps([comment]))
elif refused:
    sys.exit("gh: Resource not accessible by integration (HTTP 403)")
elif method == "POST":
    assert path == "repos/owner/name/issues/7/comments"
    login = "github-actions[bot]"
    comments.append({"id": 900, "user": {"login": login}, "body": body})
else:
    (number,) = [index for index, each in enumerate(comments) if path.endswith(f"/{each['id']}")]
    comments[number]["body"] = body
state.write_text(json.dumps(found))
"""


@dataclass(frozen=True)
class Job:
    """A scratch runner: its folders, and what the expressions of action.yml stand for."""

    root: Path
    values: dict[str, str]

    @property
    def results(self) -> Path:
        return self.root / "temporary/opparity-report"

    def run(self, name: str, **changed: str) -> subprocess.CompletedProcess[str]:
        """Run a step's own script as the runner does."""
        step = STEPS[name]
        values = {**self.values, **changed}
        environment = {
            **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}},
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PATH": f"{self.root / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "RUNNER_TEMP": str(self.root / "temporary"),
            "GITHUB_EVENT_PATH": str(self.root / "event.json"),
            "GITHUB_STEP_SUMMARY": str(self.root / "summary.md"),
            "GITHUB_OUTPUT": str(self.root / "output"),
            "GITHUB_REPOSITORY": values["github.repository"],
            "GH_STATE": str(self.root / "gh.json"),
            "GH_REFUSES": values.get("gh refuses", ""),
            **{
                name: EXPRESSION.sub(lambda found: values[found[1]], str(value))
                for name, value in step["env"].items()
            },
        }
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.root / "workspace",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def comments(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((self.root / "gh.json").read_text())["comments"]
        return found

    def calls(self) -> list[list[str]]:
        found: list[list[str]] = json.loads((self.root / "gh.json").read_text())["calls"]
        return found


def lay(project: str, workspace: Path) -> str:
    """Make a project the repository's newest commit."""
    for path in (PROJECTS / project).rglob("*"):
        if path.is_file() and path.name != "expected.json":
            target = workspace / path.relative_to(PROJECTS / project)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    return commit_all(workspace)


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def make_job(root: Path, before: str, after: str) -> Job:
    workspace = root / "workspace"
    workspace.mkdir()
    base, head = lay(before, workspace), lay(after, workspace)
    write_program(root / "bin/gh", f"#!{sys.executable}\n{GH}")
    write_program(
        root / "temporary/opparity/bin/opparity",
        f'#!/bin/sh\nexec {sys.executable} -m opparity "$@"\n',
    )
    event = {"pull_request": {"title": HOSTILE, "body": f"Fixes #38748.\n{HOSTILE}"}}
    (root / "event.json").write_text(json.dumps(event))
    (root / "gh.json").write_text(json.dumps({"calls": [], "comments": []}))
    inputs = {f"inputs.{name}": str(each["default"]) for name, each in ACTION["inputs"].items()}
    values = {
        **inputs,
        "inputs.token": "token",
        "inputs.base || github.event.pull_request.base.sha": base,
        "inputs.head || github.event.pull_request.head.sha": head,
        "github.event.pull_request.number": "7",
        "github.event.pull_request.head.repo.full_name": "owner/name",
        "github.repository": "owner/name",
        "steps.report.outputs.folder": str(root / "temporary/opparity-report"),
    }
    return Job(root, values)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Return a job whose change takes the guard away, its report made."""
    root = tmp_path_factory.mktemp("job")
    job = make_job(root, "vllm_38750_guarded_by_use_rocm", "vllm_38750_unguarded")
    completed = job.run("Report", **{"inputs.platforms": "rocm\ncuda:9.0,12.0"})
    assert completed.returncode == 0, completed.stderr
    return job


def test_the_report_of_a_pull_request_is_made_in_every_form(broken: Job) -> None:
    comment = (broken.results / "comment.md").read_text()
    assert comment.startswith(f"{MARKER}\n")
    assert "BLD001" in comment
    summary = (broken.root / "summary.md").read_text()
    assert summary == (broken.results / "report.md").read_text()
    assert "cuda:9.0,12.0" in summary
    assert (broken.results / "report.html").read_text().startswith("<!doctype html>")
    output = (broken.root / "output").read_text()
    assert output == f"folder={broken.results}\nintroduced=true\n"


def test_the_comments_of_the_review_are_fetched_and_quoted(tmp_path: Path) -> None:
    job = make_job(tmp_path, "vllm_38750_guarded_by_use_rocm", "vllm_38750_unguarded")
    operator = "silu_and_mul_per_block_quant"
    review = {
        "comments": [{"id": 1, "path": "a", "body": f"Is {operator} built? {HOSTILE}"}],
        "reviews": [{"id": 2, "body": "USE_ROCM is to be tested."}],
    }
    (tmp_path / "gh.json").write_text(json.dumps({"calls": [], "comments": [], "review": review}))
    completed = job.run("Report")
    assert completed.returncode == 0, completed.stderr
    report = (job.results / "report.md").read_text()
    assert f"Is {operator} built?" in report
    assert "USE_ROCM is to be tested." in report
    assert not list(tmp_path.rglob("pwned"))
    asked = [call[-1] for call in job.calls()]
    assert asked == ["repos/owner/name/pulls/7/comments", "repos/owner/name/pulls/7/reviews"]


def test_a_review_that_cannot_be_read_is_said_and_the_report_made(tmp_path: Path) -> None:
    job = make_job(tmp_path, "vllm_38750_guarded_by_use_rocm", "vllm_38750_unguarded")
    completed = job.run("Report", **{"gh refuses": "reviews"})
    assert completed.returncode == 0, completed.stderr
    assert "::notice title=Opparity::the review's comments could not be read" in completed.stdout
    assert (job.results / "report.md").exists()
    none = job.run("Report", **{"github.event.pull_request.number": ""})
    assert none.returncode == 0
    assert "comments" not in none.stdout


def test_an_introduced_error_fails_the_job_and_nothing_else_does(broken: Job) -> None:
    judged = broken.run("Judge", **{"steps.report.outputs.introduced": "true"})
    assert judged.returncode == 1
    assert judged.stdout.startswith("::error title=Opparity::")
    assert broken.run("Judge", **{"steps.report.outputs.introduced": "false"}).returncode == 0
    # Where the report's step said nothing, nothing is known.
    assert broken.run("Judge", **{"steps.report.outputs.introduced": ""}).returncode == 3


def test_a_title_is_text_in_the_report_and_never_a_command(broken: Job) -> None:
    assert HOSTILE in (broken.results / "description.txt").read_text()
    assert "touch pwned" in (broken.results / "report.md").read_text()
    assert not list(broken.root.rglob("pwned"))
    html = (broken.results / "report.html").read_text()
    assert "<script>x" not in html
    assert "&lt;script&gt;x" in html


def test_one_comment_is_written_and_written_anew_and_nobody_elses(broken: Job) -> None:
    stranger = {"id": 1, "user": {"login": "stranger"}, "body": f"{MARKER}\nmine"}
    other = {"id": 2, "user": {"login": "github-actions[bot]"}, "body": "another workflow's"}
    state = {"calls": [], "comments": [stranger, other]}
    (broken.root / "gh.json").write_text(json.dumps(state))
    report = (broken.results / "comment.md").read_text()
    for _ in range(3):
        completed = broken.run("Comment")
        assert completed.returncode == 0, completed.stderr
        assert completed.stdout == ""
        assert broken.comments()[:2] == [stranger, other]
        (written,) = broken.comments()[2:]
        assert written["body"] == report
        changed = {**written, "body": f"{MARKER}\nof an earlier run"}
        state = {"calls": [], "comments": [stranger, other, changed]}
        (broken.root / "gh.json").write_text(json.dumps(state))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"github.event.pull_request.head.repo.full_name": "stranger/name"}, "from a fork"),
        ({"github.event.pull_request.head.repo.full_name": ""}, "from a fork"),
        ({"github.event.pull_request.number": ""}, "this is no pull request"),
    ],
    ids=["fork", "fork that is gone", "push"],
)
def test_where_no_comment_can_be_the_reason_is_said(
    broken: Job, changed: dict[str, str], reason: str
) -> None:
    (broken.root / "gh.json").write_text(json.dumps({"calls": [], "comments": []}))
    completed = broken.run("Comment", **changed)
    assert completed.returncode == 0
    assert completed.stdout.startswith("::notice title=Opparity::no comment: ")
    assert reason in completed.stdout
    assert broken.calls() == []


@pytest.mark.parametrize("refused", ["writing", "everything"])
def test_a_comment_that_is_refused_is_a_warning(broken: Job, refused: str) -> None:
    (broken.root / "gh.json").write_text(json.dumps({"calls": [], "comments": []}))
    completed = broken.run("Comment", **{"gh refuses": refused})
    assert completed.returncode == 0
    assert completed.stdout.startswith("::warning title=Opparity::")
    assert "HTTP 403" in completed.stderr


def test_the_findings_are_written_for_code_scanning(broken: Job) -> None:
    completed = broken.run("Check")
    assert completed.returncode == 0, completed.stderr
    document = json.loads((broken.results / "opparity.sarif").read_text())
    (run,) = document["runs"]
    errors = [each for each in run["results"] if each.get("level") == "error"]
    assert [each["ruleId"] for each in errors] == ["BLD001"]


def test_a_change_that_mends_introduces_nothing(tmp_path: Path) -> None:
    job = make_job(tmp_path, "vllm_38750_unguarded", "vllm_38750_guarded_by_use_rocm")
    completed = job.run("Report", **{"inputs.language": "zh"})
    assert completed.returncode == 0, completed.stderr
    assert (tmp_path / "output").read_text().endswith("introduced=false\n")
    assert "执行摘要" in (job.results / "report.md").read_text()


@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("import sys; sys.exit(3)", 3),
        ("raise RecursionError", 3),
        ("import opparity_is_not_there", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137),
    ],
    ids=["crash", "uncaught", "not installed", "killed"],
)
def test_a_crash_fails_loudly_and_no_comment_is_touched(
    tmp_path: Path, program: str, status: int
) -> None:
    job = make_job(tmp_path, "vllm_38750_guarded_by_use_rocm", "vllm_38750_unguarded")
    foreign = {"id": 2, "user": {"login": "github-actions[bot]"}, "body": "another workflow's"}
    (tmp_path / "gh.json").write_text(json.dumps({"calls": [], "comments": [foreign]}))
    write_program(
        tmp_path / "temporary/opparity/bin/opparity",
        f"#!/bin/sh\nexec {sys.executable} -c '{program}'\n",
    )
    completed = job.run("Report")
    assert completed.returncode == status
    assert "::error title=Opparity::Opparity failed" in completed.stdout
    assert not (tmp_path / "output").exists()
    # A workflow that goes on in spite of it finds nothing to write.
    (job.results / "comment.md").write_text("")
    written = job.run("Comment")
    assert written.returncode == 3
    assert not [call for call in job.calls() if "/pulls/" not in call[-1]]
    assert job.comments() == [foreign]


def test_what_a_pull_request_hides_counts_unless_a_maintainer_accepts_it(tmp_path: Path) -> None:
    job = make_job(tmp_path, "vllm_38750_guarded_by_use_rocm", "vllm_38750_unguarded")
    workspace = tmp_path / "workspace"
    (workspace / "opparity.toml").write_text('ignore = ["BLD"]')
    head = commit_all(workspace)
    values = {"inputs.head || github.event.pull_request.head.sha": head}
    assert ACTION["inputs"]["trust-head"]["default"] == "false"
    for trusted, introduced in (("false", "true"), ("yes", "true"), ("true", "false")):
        (tmp_path / "output").write_text("")
        completed = job.run("Report", **values, **{"inputs.trust-head": trusted})
        assert completed.returncode == 0, completed.stderr
        assert f"introduced={introduced}\n" in (tmp_path / "output").read_text()
        assert "BLD001" in (job.results / "comment.md").read_text()


def test_what_cannot_be_compared_fails_with_the_reason(tmp_path: Path) -> None:
    job = make_job(tmp_path, "vllm_38750_guarded_by_use_rocm", "vllm_38750_unguarded")
    base = "inputs.base || github.event.pull_request.base.sha"
    completed = job.run("Report", **{base: ""})
    assert completed.returncode == 2
    assert "this is no pull request" in completed.stdout
    completed = job.run("Report", **{base: "--output-format=json"})
    assert completed.returncode == 2
    assert "the report could not be made" in completed.stdout
    shallow = tmp_path / "shallow"
    source = (tmp_path / "workspace").as_uri()
    subprocess.run(["git", "clone", "-q", "--depth", "1", source, str(shallow)], check=True)
    completed = job.run("Report", **{"inputs.path": str(shallow)})
    assert completed.returncode == 2
    assert "fetch-depth: 0" in completed.stdout


def test_an_old_python_is_refused_with_what_to_do(broken: Job, tmp_path: Path) -> None:
    script = "import sys; sys.version_info = (3, 9); exec(sys.stdin.read())"
    write_program(tmp_path / "python", f'#!/bin/sh\nexec {sys.executable} -c "{script}"\n')
    values = {"inputs.python": str(tmp_path / "python"), "github.action_path": str(ROOT)}
    completed = broken.run("Install Opparity", **values)
    assert completed.returncode == 1
    assert "put actions/setup-python before" in completed.stderr


def test_no_script_holds_an_expression_and_every_action_is_pinned() -> None:
    assert len(STEPS) == len(ACTION["runs"]["steps"])
    for name, step in STEPS.items():
        assert "${{" not in step.get("run", ""), name
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+(/[\w-]+)+@[0-9a-f]{40}", step["uses"]), name


def test_the_guide_names_every_input_and_output() -> None:
    for name in (*ACTION["inputs"], *ACTION["outputs"], *STEPS):
        assert name in GUIDE, name


def tool(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_the_action_and_all_workflows_are_valid_and_zizmor_finds_nothing(
    tmp_path: Path,
) -> None:
    workflow = tmp_path / ".github/workflows/opparity.yml"
    workflow.parent.mkdir(parents=True)
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    workflow.write_text(example)
    own = sorted((ROOT / ".github/workflows").glob("*.yml"))
    assert own
    workflows = [workflow, *own]
    for schema, path in (
        ("actions", ROOT / "action.yml"),
        *(("workflows", path) for path in workflows),
    ):
        checked = tool("check_jsonschema", "--builtin-schema", f"vendor.github-{schema}", path)
        assert checked.returncode == 0, checked.stdout
    (zizmor,) = (each.locate() for each in files("zizmor") or () if each.name == "zizmor")
    found = subprocess.run(
        [zizmor, "--offline", "--persona", "pedantic", ROOT / "action.yml", *workflows],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout
