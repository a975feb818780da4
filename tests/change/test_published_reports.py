"""docs/reports as published: what a person would state about #38750 is in it, in Chinese."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from words.test_catalogues import HEADINGS, LATIN, without_code

REPORTS = Path(__file__).parents[2] / "docs/reports"
OPERATOR = "`_C::silu_and_mul_per_block_quant`"
FACTS = {
    "the header": r"^\| `csrc/ops\.h`<br>头文件",
    "the bindings": r"^\| `csrc/torch_bindings\.cpp`<br>绑定",
    "the moved guard": rf"把 {OPERATOR} 的注册.原先没有守卫.移到守卫 `!defined\(USE_ROCM\)` 之下",
    "the moved prototype": r"的原型.原先没有守卫.移到守卫 `!defined\(USE_ROCM\)` 之下",
    "the guard, in the summary": r"的注册此前没有守卫.现置于 `!defined\(USE_ROCM\)` 之下",
    "the source that ROCm lacks": r"rocm 上.定义它的 `csrc/\S+\.cu` 不在该目标的源文件之列",
    "the line": r"^\+#ifndef USE_ROCM$",
    "the effect on ROCm": rf"rocm 上不再注册 {OPERATOR}.导入不再因未定义符号而失败",
    "nothing for CUDA": rf"cuda 上 {OPERATOR} 照常可用",
    # The second wording is of the report of the commit, which only vLLM's history makes anew.
    "the import": "扩展此前在 rocm 上导入失败.现(?:无已知的导入问题|已没有已知障碍)",
    "the error repaired": rf"\*\*错误 BLD001\*\* · rocm · {OPERATOR}",
    "the macro of the draft": "`IS_ROCM`.而此源码树中无人定义它.*应判断的宏是 `USE_ROCM`",
    "where the macro is defined": r"构建在 `cmake/utils\.cmake:\d+` 为 rocm 定义它",
    "risk: one macro": r"宏的一致性..*`USE_ROCM` 在此源码树中共有 \d+ 个文件使用",
    "risk: the operator is missing": rf"rocm 上没有 {OPERATOR}。Python 中有 \d+ 处调用它",
    "risk: the build": "对构建的依赖.只有构建为 rocm 定义了 `USE_ROCM`",
    "the follow-up": "`#32996` .*#38750 是它的后续修复",
}


@pytest.mark.parametrize("fact", FACTS)
def test_the_chinese_report_of_38750_states(fact: str) -> None:
    text = (REPORTS / "vllm-38750.zh.md").read_text("utf-8")
    assert re.search(FACTS[fact], text, re.MULTILINE), fact


def test_the_report_of_the_commit_itself_finds_its_origin_in_the_history() -> None:
    text = (REPORTS / "vllm-38750-commit.zh.md").read_text("utf-8")
    for fact in FACTS.keys() - {"the macro of the draft", "the follow-up", "the line"}:
        assert re.search(FACTS[fact], text, re.MULTILINE), fact
    direct = text.partition("### 直接")[2].partition("### 间接")[0]
    assert "`Feature/silu block quant fusion v1 (#32996)` | 其改动行提到" in direct


def test_the_draft_is_refuted_and_its_repair_suggested() -> None:
    text = (REPORTS / "vllm-38750-draft.en.md").read_text("utf-8")
    assert "still cannot be imported on rocm" in text
    assert "-#ifndef IS_ROCM\n  +#ifndef USE_ROCM" in text


def test_the_release_that_broke_rocm_and_the_one_that_repaired_it_say_so() -> None:
    broken = (REPORTS / "vllm-0.8.4-to-0.8.5.en.md").read_text("utf-8")
    assert "error BLD001** · rocm · `_C::cutlass_mla_decode`" in broken
    assert "could be imported on rocm before, and cannot be imported now" in broken
    repaired = (REPORTS / "vllm-0.8.5-to-0.9.0.en.md").read_text("utf-8")
    assert "could not be imported on rocm before; no import problem is known there now" in repaired


def test_the_release_in_which_the_operator_arrives_says_where() -> None:
    text = (REPORTS / "vllm-0.19.1-to-0.20.0.en.md").read_text("utf-8")
    row = next(line for line in text.splitlines() if line.startswith(f"| {OPERATOR} "))
    assert row.count("absent → **works**") == 2


def test_the_timelines_tell_when_the_operators_came_and_broke() -> None:
    mla = (REPORTS / "life-of-cutlass_mla_decode.en.md").read_text("utf-8")
    broken = [line for line in mla.splitlines() if "broken" in line]
    assert broken == ["| `0.8.5` … `0.8.5.post1` | **works** | **broken** | absent |"]
    assert "- `0.9.0` `!defined(USE_ROCM)`" in mla
    block = (REPORTS / "life-of-silu_and_mul_per_block_quant.en.md").read_text("utf-8")
    there = [line for line in block.splitlines() if "works" in line]
    assert there == ["| `0.20.0` … `0.33.0` | **works** | **works** | absent |"]


@pytest.mark.parametrize("page", sorted(REPORTS.glob("*.zh.md")), ids=lambda path: path.name)
def test_no_english_word_is_left_in_a_published_chinese_report(page: Path) -> None:
    text = without_code(page.read_text("utf-8"))
    words = set(re.findall(r"[A-Za-z]{2,}", re.sub(r"\b[A-Z]{3}\d{3}\b", "", text)))
    assert words <= LATIN
    if page.name.startswith("vllm-"):
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
