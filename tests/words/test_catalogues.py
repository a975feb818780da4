from __future__ import annotations

import ast
import re
import string
import time
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from change.change_reports import (
    DRAFT,
    PROJECTS,
    REPAIRED,
    UNGUARDED,
    project,
    report_of,
    written,
)
from opparity.change.compare import implementation
from opparity.change.formats import ReportFormat
from opparity.change.model import CellChangeKind
from opparity.checker.rules.table import RULES
from opparity.words.catalogue import PieceKind, catalogue
from opparity.words.language import Language
from opparity.words.statements import state

SOURCE = Path(implementation.__file__).parents[2]
ENGLISH, CHINESE = catalogue(Language.ENGLISH), catalogue(Language.CHINESE)
# What a Chinese report may say in Latin letters: names, platforms and codes.
LATIN = {"Opparity", "Python", "torch", "pybind", "ABI", "MSVC", "Windows", "GPU"}
LATIN |= {"ROCm", "CUDA", "CPU", "XPU", "NPU", "HIP", "AMD", "cuda", "rocm", "cpu"}
HEADINGS = ["执行摘要", "功能与动机", "实现拆解", "平台矩阵", "评审要点", "风险与影响", "关联脉络"]
PAIRS = [
    (UNGUARDED, REPAIRED),
    (UNGUARDED, DRAFT),
    (DRAFT, REPAIRED),
    (REPAIRED, UNGUARDED),
    ("table_filled_and_read_under_one_guard", "table_filled_for_cuda_read_for_rocm_too"),
    ("guard_admits_rocm_but_only_cuda_registers", "wrapper_called_under_a_guard_that_admits_rocm"),
]


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_both_languages_have_every_text() -> None:
    assert set(ENGLISH.templates) == set(CHINESE.templates)


def test_every_rule_is_explained_in_both_languages() -> None:
    for rule in RULES:
        for part in ("title", "why", "remedy"):
            assert ENGLISH.rule(rule.code, part)
            assert CHINESE.rule(rule.code, part)


# A Chinese list says how many things there are, an English one how many more.
SAID_OTHERWISE = {"list.more"}


@pytest.mark.parametrize(
    "key",
    sorted(
        key
        for key in ENGLISH.templates
        if not key.startswith("rules.") and key not in SAID_OTHERWISE
    ),
)
def test_both_languages_say_the_same_values(key: str) -> None:
    assert fields(ENGLISH.templates[key]) == fields(CHINESE.templates[key])


def test_the_chinese_catalogue_has_no_english_sentence() -> None:
    text = files("opparity.words").joinpath("zh.toml").read_text("utf-8")
    for key, template in CHINESE.templates.items():
        bare = re.sub(r"`[^`]*`|\{[^}]*\}", "", template)
        words = set(re.findall(r"[A-Za-z][A-Za-z-]+", bare))
        assert words <= LATIN, key
    assert tomllib.loads(text)


def called_with_texts() -> set[str]:
    """Return every key that the source names as a whole."""
    found = set()
    for path in [*(SOURCE / "change").rglob("*.py"), *(SOURCE / "history").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                function = node.func
                name = function.id if isinstance(function, ast.Name) else ""
                name = function.attr if isinstance(function, ast.Attribute) else name
                if name in {"state", "statement", "word"}:
                    found.add(str(node.args[0].value))
    return found


def test_every_text_that_the_source_asks_for_exists() -> None:
    asked = called_with_texts()
    assert len(asked) > 60
    assert asked <= set(ENGLISH.templates)


def test_every_change_of_a_cell_has_its_sentences() -> None:
    for kind in CellChangeKind:
        assert f"cell_change.{kind.value}" in ENGLISH.templates
        if kind is not CellChangeKind.SAME:
            assert f"history.{kind.value}" in ENGLISH.templates


def test_a_number_takes_the_noun_that_fits_it() -> None:
    one = ENGLISH.text(state("summary.vanished", platform="rocm", count=1, operators=("a",)))
    two = ENGLISH.text(state("summary.vanished", platform="rocm", count=2, operators=("a", "b")))
    assert one == "rocm loses 1 operator: a."
    assert two == "rocm loses 2 operators: a and b."


def test_a_long_list_is_cut_and_says_by_how_much() -> None:
    names = tuple(f"operator_{number}" for number in range(40))
    said = ENGLISH.text(state("summary.vanished", platform="rocm", count=40, operators=names))
    assert said.endswith("operator_5 and 34 more.")
    assert "operator_6" not in said


def test_what_the_trees_say_is_apart_from_what_we_say() -> None:
    pieces = ENGLISH.say(state("summary.vanished", platform="x", count=1, operators=("<b>",)))
    assert [p.text for p in pieces if p.kind is PieceKind.VALUE] == ["<b>"]
    assert "<" not in "".join(p.text for p in pieces if p.kind is not PieceKind.VALUE)


def test_a_chinese_list_says_how_many_and_leaves_no_space_behind_it() -> None:
    names = tuple(f"function_{number}" for number in range(40))
    said = CHINESE.text(state("change.source", functions=names))
    assert said.endswith("function_5 等 40 项的源文件")


def test_clauses_are_told_as_one_list() -> None:
    clauses = (state("summary.errors", count=1), state("summary.warnings", count=2))
    said = state("summary.introduced", findings=clauses)
    assert ENGLISH.text(said) == "The change introduces 1 error and 2 warnings."
    assert CHINESE.text(said) == "此变更引入 1 个错误、2 个警告。"


@pytest.mark.parametrize(
    "name", sorted(path.parent.name for path in PROJECTS.glob("*/expected.json"))
)
def test_every_sentence_of_the_checker_is_known_in_chinese(name: str) -> None:
    for finding in project(name).report.findings:
        pieces = CHINESE.message(finding.message)
        words = "".join(each.text for each in pieces if each.kind is PieceKind.WORDS)
        assert set(re.findall(r"[A-Za-z]{3,}", words)) <= {*LATIN, "fake"}, finding.message
        assert words, finding.message
        for each in finding.related:
            # A guard's condition stands there as it is.
            assert CHINESE.message(each.message) or "(" in each.message, each.message


def test_a_value_that_speaks_like_the_checker_stays_a_value() -> None:
    hostile = "x, where <b>no file of the tree defines it"
    pieces = CHINESE.message(f"{hostile} calls f in the target _C on rocm, where declared here")
    assert pieces[0].kind is PieceKind.VALUE
    assert pieces[0].text == hostile
    assert ENGLISH.message("declared here") == ()
    assert CHINESE.message("nothing that the checker says") == ()


def test_names_that_repeat_the_checkers_words_take_no_time() -> None:
    text = files("opparity.words").joinpath("messages.zh.toml").read_text("utf-8")
    for entry in tomllib.loads(text)["message"]:
        literals = [each for each, *_ in string.Formatter().parse(entry["given"]) if each]
        share = 780 // len(literals)
        repeated = ["x".join([each] * (share // (len(each) + 1) or 1)) for each in literals[:-1]]
        began = time.process_time()
        CHINESE.message("x".join(["x", *repeated, "x"])[:800])
        assert time.process_time() - began < 1


def without_code(markdown: str) -> str:
    fences = re.sub(r"^ *(`{3,})[^\n]*\n.*?^ *\1$", "", markdown, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(`+).*?\1", "", re.sub(r"<[^>]*>", " ", fences))


@pytest.mark.parametrize("output_format", [ReportFormat.MARKDOWN, ReportFormat.GITHUB_COMMENT])
@pytest.mark.parametrize("pair", PAIRS, ids=" to ".join)
def test_no_english_word_is_left_in_a_chinese_report(
    pair: tuple[str, str], output_format: ReportFormat
) -> None:
    assert all((PROJECTS / name).is_dir() for name in pair)
    text = without_code(written(report_of(*pair), output_format, Language.CHINESE))
    words = set(re.findall(r"[A-Za-z]{2,}", re.sub(r"\b[A-Z]{3}\d{3}\b", "", text)))
    assert words <= LATIN
    if output_format is ReportFormat.MARKDOWN:
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
        assert "| 文件 | 关键改动 | 作用 |" in text
        for part in ("正面", "负面", "范围"):
            assert f"**{part}**" in text
