from __future__ import annotations

import ast
import re
import string
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


RULE_TEXT = re.compile(r"\.(title|why|remedy)$")
# A Chinese list says how many things there are, an English one how many more.
SAID_OTHERWISE = {"list.more"}


@pytest.mark.parametrize(
    "key",
    sorted(
        key for key in ENGLISH.templates if not RULE_TEXT.search(key) and key not in SAID_OTHERWISE
    ),
)
def test_both_languages_say_the_same_values(key: str) -> None:
    assert fields(ENGLISH.templates[key]) == fields(CHINESE.templates[key])


def test_the_chinese_catalogue_has_no_english_sentence() -> None:
    for key, template in CHINESE.templates.items():
        bare = re.sub(r"`[^`]*`|\{[^}]*\}", "", template)
        words = set(re.findall(r"[A-Za-z][A-Za-z-]+", bare))
        assert words <= LATIN, key


def called_with_texts() -> set[str]:
    """Return every key that the source names as a whole."""
    found = set()
    for path in [
        path for name in ("checker", "change", "history") for path in (SOURCE / name).rglob("*.py")
    ]:
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
    assert len(asked) > 160
    assert asked <= set(ENGLISH.templates)


# What the checker says: a rule's table, or one that rules and readers share.
SENTENCE = re.compile(
    r"(basis|result|place|whereabouts|borrowed|absence|unread|[A-Z]{3}\d{3})\.\w+"
)


def named_in_the_checker() -> set[str]:
    texts = (
        str(node.value)
        for path in (SOURCE / "checker").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant)
    )
    return {text for text in texts if SENTENCE.fullmatch(text)}


def test_the_checker_says_every_sentence_that_there_is_and_no_other() -> None:
    there = {key for key in ENGLISH.templates if SENTENCE.fullmatch(key)}
    assert named_in_the_checker() == {key for key in there if not RULE_TEXT.search(key)}


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
def test_every_sentence_of_the_checker_is_said_in_both_languages(name: str) -> None:
    for result in project(name).report.results:
        for said in (result.statement, *(each.note for each in result.related)):
            assert ENGLISH.text(said)
            words = "".join(p.text for p in CHINESE.say(said) if p.kind is PieceKind.WORDS)
            assert set(re.findall(r"[A-Za-z]{3,}", words)) <= LATIN, said


def test_a_value_that_speaks_like_the_checker_stays_a_value() -> None:
    hostile = "x, where <b>no file of the tree defines it"
    said = state(
        "BLD002.called",
        inside=hostile,
        symbol="f",
        target="_C",
        platform="rocm",
        reason=state("whereabouts.nowhere"),
    )
    for words in (ENGLISH, CHINESE):
        pieces = [each for each in words.say(said) if "<b>" in each.text]
        assert [(each.kind, each.text) for each in pieces] == [(PieceKind.VALUE, hostile)]


def test_a_value_whose_end_could_not_be_seen_is_quoted() -> None:
    said = state("whereabouts.guarded", source="a.cu", guard="A && defined(B)")
    assert ENGLISH.text(said) == "a.cu defines it only under `A && defined(B)`"


def test_platforms_of_one_mistake_are_told_in_one_sentence() -> None:
    said = state(
        "CAL001.own",
        operator="_C::x",
        platform="rocm",
        reason=state("absence.unregistered", platform="rocm", count=1),
    )
    assert ENGLISH.text(said).endswith("code for rocm, and rocm does not register it")
    both = ENGLISH.text(said.having(platform=("rocm", "cpu")))
    assert both.endswith("code for rocm and cpu, and rocm and cpu do not register it")


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
