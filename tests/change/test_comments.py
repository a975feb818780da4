"""The comments of a pull request's review: which are quoted, what is said to them, and how."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from change.change_reports import DRAFT, OPERATOR, PROJECTS, REPAIRED, UNGUARDED
from opparity.command_line import application

if TYPE_CHECKING:
    from pathlib import Path

BINDINGS = "csrc/torch_bindings.cpp"
NAME = "silu_and_mul_per_block_quant"


def comment(body: str, number: int = 1, **values: object) -> dict[str, object]:
    """Return a comment as GitHub's API has it, less what nobody reads."""
    return {
        "id": number,
        "user": {"login": "reviewer"},
        "created_at": "2026-04-01T10:00:00Z",
        "path": "README.md",
        "line": None,
        "side": "RIGHT",
        "body": body,
        **values,
    }


def run(before: str, after: str, comments: Path, *options: object) -> Any:  # noqa: ANN401
    arguments = ["--before", PROJECTS / before, "--after", PROJECTS / after]
    arguments += ["--comments", comments, *options]
    return CliRunner().invoke(application, ["report", *map(str, arguments)])


def discussed(
    folder: Path, *comments: dict[str, object], before: str = UNGUARDED, after: str = REPAIRED
) -> dict[str, Any]:
    place = folder / "comments.json"
    place.write_text(json.dumps(comments))
    result = run(before, after, place, "--output-format", "json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)["review"]["discussion"]
    return found


def keys(statements: list[dict[str, Any]]) -> list[str]:
    return [each["key"] for each in statements]


def test_a_comment_at_a_changed_line_is_quoted_with_the_finding_there(tmp_path: Path) -> None:
    said = comment("Why this guard?", path=BINDINGS, line=10)
    (quoted,) = discussed(tmp_path, said)["quoted"]
    assert quoted["comment"]["body"] == "Why this guard?"
    assert (quoted["comment"]["author"], quoted["comment"]["date"]) == ("reviewer", "2026-04-01")
    assert "comment.line" in keys(quoted["reasons"])
    rules = [e["values"]["rule"] for e in quoted["answers"] if e["key"] == "comment.found"]
    assert rules == ["BLD001"]


def test_a_line_of_the_tree_before_is_one_of_that_tree(tmp_path: Path) -> None:
    taken = {"before": REPAIRED, "after": UNGUARDED}
    left = comment("Keep this", path=BINDINGS, line=9, side="LEFT")
    (quoted,) = discussed(tmp_path, left, **taken)["quoted"]
    assert keys(quoted["reasons"])[0] == "comment.line"


@pytest.mark.parametrize(
    ("macro", "answer", "known"),
    [
        ("IS_ROCM", "comment.macro_other", "USE_ROCM"),
        ("USE_ROCM", "comment.macro_defined", None),
    ],
)
def test_a_comment_that_names_a_macro_hears_who_defines_it(
    tmp_path: Path, macro: str, answer: str, known: str | None
) -> None:
    (quoted,) = discussed(tmp_path, comment(f"Should this not be `{macro}`?"))["quoted"]
    assert keys(quoted["reasons"]) == ["comment.macro"]
    (said,) = [each for each in quoted["answers"] if each["key"] == answer]
    assert said["values"].get("known") == known


def test_a_comment_that_names_an_operator_hears_what_becomes_of_it(tmp_path: Path) -> None:
    (quoted,) = discussed(tmp_path, comment(f"Is {NAME} there on ROCm now?"))["quoted"]
    assert keys(quoted["reasons"]) == ["comment.operator"]
    states = [e["values"] for e in quoted["answers"] if e["key"] == "comment.state"]
    verdicts = {tuple(each["platforms"]): each["verdict"]["key"] for each in states}
    assert verdicts == {("cuda",): "cell.works", ("rocm",): "cell.absent"}
    assert {each["operator"] for each in states} == {OPERATOR}


def test_other_comments_are_counted_and_not_quoted(tmp_path: Path) -> None:
    found = discussed(
        tmp_path,
        comment("LGTM", 1),
        comment("Please add a test.", 2, path="tests/test_x.py", line=3),
        comment("Far from the change.", 3, path=BINDINGS, line=1),
        comment("Test CUDA and ROCM, please.", 4),
        comment(f"About {NAME}", 5),
        comment("", 6),
    )
    assert [each["comment"]["identity"] for each in found["quoted"]] == ["5"]
    assert found["left_out"] == 4


def test_an_answer_stands_with_what_it_answers(tmp_path: Path) -> None:
    found = discussed(
        tmp_path,
        comment("Use USE_ROCM", 1),
        comment("Done.", 2, in_reply_to_id=1),
        comment("Thanks.", 3, in_reply_to_id=9),
    )
    assert [each["comment"]["body"] for each in found["quoted"]] == ["Use USE_ROCM", "Done."]
    assert keys(found["quoted"][1]["reasons"]) == ["comment.answer"]


def test_an_outdated_comment_at_a_file_of_the_change_is_quoted(tmp_path: Path) -> None:
    old = comment("This was wrong.", path=BINDINGS, line=None, original_line=12)
    (quoted,) = discussed(tmp_path, old)["quoted"]
    assert keys(quoted["reasons"]) == ["comment.file"]


def test_the_draft_of_38750_is_answered_as_its_reviewers_did(tmp_path: Path) -> None:
    said = comment("`IS_ROCM` is not defined anywhere.", path="csrc/ops.h", line=7)
    found = discussed(tmp_path, said, after=DRAFT)
    answers = {each["key"]: each for each in found["quoted"][0]["answers"]}
    assert answers["comment.macro_other"]["values"] == {"macro": "IS_ROCM", "known": "USE_ROCM"}
    rules = {e["values"]["rule"] for e in found["quoted"][0]["answers"] if "rule" in e["values"]}
    assert "MAC001" in rules


@pytest.mark.parametrize(
    "text",
    [
        # `gh api --paginate` writes page behind page.
        lambda one, two: json.dumps([one]) + json.dumps([two]),
        lambda one, two: json.dumps([one]) + "\n" + json.dumps([two]) + "\n",
        lambda one, two: json.dumps([[one], [two]]),
        lambda one, two: json.dumps({"comments": [one], "reviews": [two]}),
        lambda one, two: json.dumps(one) + json.dumps(two),
    ],
    ids=["pages", "lines", "slurped", "gh pr view", "objects"],
)
def test_comments_are_read_however_github_gives_them(tmp_path: Path, text: Any) -> None:  # noqa: ANN401
    review = {"id": 2, "user": None, "state": "CHANGES_REQUESTED", "body": f"{NAME}?"}
    place = tmp_path / "comments.json"
    place.write_text(text(comment("USE_ROCM"), review))
    result = run(UNGUARDED, REPAIRED, place, "--output-format", "json")
    quoted = json.loads(result.stdout)["review"]["discussion"]["quoted"]
    assert [each["comment"]["body"] for each in quoted] == ["USE_ROCM", f"{NAME}?"]
    assert quoted[1]["comment"]["author"] == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no json", "no JSON"),
        ('[{"body": "x"', "no JSON"),
        ("3", "no comment"),
        ('[{"text": "x"}]', "no comment"),
        ('[{"body": 3}]', "parts are no texts"),
        ("[" * 100_000, "no JSON"),
        ("[[[[[[[]]]]]]]", "lists in lists"),
        ('["' + "x" * 64_000_000 + '"]', "more than 64,000,000 bytes"),
    ],
    ids=range(8),
)
def test_a_file_that_holds_no_comments_is_refused(tmp_path: Path, text: str, said: str) -> None:
    place = tmp_path / "comments.json"
    place.write_text(text)
    result = run(UNGUARDED, REPAIRED, place)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "--comments takes the JSON" in result.stderr


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert run(UNGUARDED, REPAIRED, tmp_path / "missing").exit_code == 2


HOSTILE = f"{NAME} @everyone <script>x</script> ![i](http://a) #1\n```\n# Heading\n~~~\n</details>"


def test_a_comment_is_data(tmp_path: Path) -> None:
    place = tmp_path / "comments.json"
    place.write_text(json.dumps([comment(HOSTILE, user={"login": "@you<b>"})]))
    markdown = run(UNGUARDED, REPAIRED, place).stdout
    assert "  ````text\n" in markdown
    assert "`@you<b>`" in markdown
    html = run(UNGUARDED, REPAIRED, place, "--output-format", "html").stdout
    assert "<script>x" not in html
    assert "&lt;script&gt;x" in html
    assert "@you&lt;b&gt;" in html


@pytest.mark.parametrize(
    ("language", "said"), [("en", "What reviewers wrote"), ("zh", "评审者所写")]
)
@pytest.mark.parametrize("output_format", ["markdown", "html"])
def test_comments_stand_under_review_in_both_languages(
    tmp_path: Path, language: str, said: str, output_format: str
) -> None:
    place = tmp_path / "comments.json"
    place.write_text(json.dumps([comment("Test USE_ROCM here.", path=BINDINGS, line=10)]))
    options = ("--language", language, "--output-format", output_format)
    text = run(UNGUARDED, REPAIRED, place, *options).stdout
    assert said in text
    assert "Test USE_ROCM here." in text
    place.write_text(json.dumps([comment("LGTM")]))
    assert said not in run(UNGUARDED, REPAIRED, place, *options).stdout


def test_of_very_many_comments_the_last_are_left_out(tmp_path: Path) -> None:
    found = discussed(tmp_path, *(comment("LGTM", n) for n in range(2_500)), comment(NAME, 9_999))
    assert found == {"quoted": [], "left_out": 2_000, "is_cut": True}


def test_a_long_comment_is_cut_and_many_are_counted(tmp_path: Path) -> None:
    found = discussed(tmp_path, *(comment(f"{NAME} {'x' * 3_000}", n) for n in range(1, 31)))
    assert len(found["quoted"]) == 20
    assert found["left_out"] == 10
    assert found["is_cut"]
    assert all(len(each["comment"]["body"]) <= 2_000 for each in found["quoted"])
