from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from typer.testing import CliRunner

from opparity.checker.analysis.matrix import Answer, Cell, Matrix, Row
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.places import Location, Related
from opparity.command_line import application
from opparity.pages.matrix import render, status_of
from opparity.words.statements import state
from pages.conftest import PHONE, elements_of, violations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.sync_api import Page

    from pages.conftest import Open

PROJECT = Path(__file__).parents[1] / "projects/vllm_38750_unguarded"
LISTED = (
    "Array.from(document.querySelectorAll('#operators tbody')).filter(each => !each.hidden).length"
)
YES = Answer(Truth.TRUE, (Related(Location("csrc/ops.h", 7), state("place.declared")),))
NO = Answer(Truth.FALSE)
UNKNOWN = Answer(Truth.UNKNOWN)
BUILT = Answer(
    Truth.TRUE, (Related(Location("csrc/quant/fused_add.cu", 40), state("place.defined")),)
)

WORKS = Cell(YES, YES, (("CUDA", YES),), BUILT, YES)
BROKEN = Cell(YES, YES, (("CUDA", YES),), NO, YES)
INCOMPLETE = Cell(YES, YES, (), NO, NO)
UNDECIDED = Cell(YES, YES, (("", YES),), UNKNOWN, NO)
CALLED = Cell(NO, NO, (), NO, YES)
ABSENT = Cell(NO, NO, (), NO, NO)
CELLS = (WORKS, BROKEN, INCOMPLETE, UNDECIDED, CALLED, ABSENT)
STATUSES = ["works", "broken", "incomplete", "undecided", "called", "absent"]

HOSTILE = (
    "<script>document.title='run'</script>",
    "<img src=x onerror=\"document.title='run'\">",
    "\"' onclick=document.title='run' x='",
    "{{ 7 * 7 }}{% raw %}",
    "</style></title><svg/onload=document.title='run'>",
    "javascript:document.title='run'",
    "\x1b[31m\r\n\u202eevil\ud800&amp;&#x41;",
)


def said(page: Page, text: str) -> None:
    """Wait until the filter says it."""
    expect(page.locator("form.filter output")).to_have_text(re.compile(f"^{text}"))


def matrix_of(cells: Mapping[str, tuple[Cell, ...]], *platforms: str) -> Matrix:
    rows = (Row(name, (name.rpartition("::")[2],), each) for name, each in cells.items())
    return Matrix(platforms, tuple(rows))


SMALL = matrix_of(
    {
        "_C::fused_add": (WORKS, BROKEN, ABSENT),
        "_C::rotary_embedding": (WORKS, WORKS, WORKS),
        "_C::cutlass_mla_decode": (WORKS, CALLED, ABSENT),
        "_moe_C::topk": (INCOMPLETE, UNDECIDED, CALLED),
    },
    "cuda:9.0,12.0",
    "rocm",
    "cpu",
)


@pytest.mark.parametrize(("cell", "status"), list(zip(CELLS, STATUSES, strict=True)), ids=STATUSES)
def test_a_cell_has_the_status_of_its_answers(cell: Cell, status: str) -> None:
    assert status_of(cell) is status


def test_the_page_has_every_answer_and_place_without_a_script(visit: Open) -> None:
    page = visit(render("extension-1.0", SMALL), scripts=False).page
    rows = page.locator("#operators tbody")
    assert rows.count() == 4
    assert page.locator("form.filter").is_hidden()
    first = rows.nth(0)
    assert first.locator("th[scope=row]").inner_text() == "_C::fused_add"
    assert first.locator("td .word").all_inner_texts() == ["works", "broken", "absent"]
    evidence = first.locator(".evidence")
    assert evidence.is_hidden()
    first.locator("summary").click()
    said = " ".join(evidence.inner_text().split())
    assert "Built yes: cuda:9.0,12.0; no: rocm, cpu" in said
    assert "csrc/quant/fused_add.cu:40 defined here" in said


def test_nothing_is_asked_of_the_network_and_nothing_is_complained_of(visit: Open) -> None:
    html = render("extension-1.0", SMALL)
    seen = visit(html)
    seen.page.locator("summary").first.click()
    assert [each for each in seen.requests if not each.startswith("file:")] == []
    assert len(seen.requests) == 1
    assert seen.complaints == []
    # Nor would it be allowed: the policy forbids what the page does not hold.
    seen.page.evaluate("fetch('https://example.org/').catch(() => null)")
    seen.page.evaluate(
        "document.body.append(Object.assign(new Image, {src: 'https://example.org/a'}))"
    )
    assert len([each for each in seen.complaints if "Content Security Policy" in each]) >= 2


def test_the_filter_is_used_by_keyboard_and_says_how_many_are_left(visit: Open) -> None:
    page = visit(render("extension-1.0", SMALL)).page
    assert page.locator("form.filter output").get_attribute("aria-live") == "polite"
    said(page, "4 of 4 operators")
    search = page.get_by_label("Operator, function or path")
    while not search.evaluate("element => element === document.activeElement"):
        page.keyboard.press("Tab")
    page.keyboard.type("_C::FUSED")
    said(page, "1 of")
    assert page.locator("#operators tbody:visible th").all_inner_texts() == ["_C::fused_add"]
    page.keyboard.press("Tab")  # platform
    page.keyboard.press("Tab")  # status
    page.keyboard.press("Tab")  # differs
    page.keyboard.press("Tab")  # clear
    page.keyboard.press("Enter")
    said(page, "4 of")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    said(page, "3 of")
    assert "rotary" not in page.locator("#operators tbody:visible").first.inner_text()
    # The row's own disclosure is a control as well.
    page.locator("#operators tbody:visible summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".evidence:visible").count() == 1


def test_platform_and_status_are_asked_together(visit: Open) -> None:
    page = visit(render("extension-1.0", SMALL)).page
    visible = page.locator("#operators tbody:visible th")
    page.locator("select[name=status]").select_option("broken")
    page.locator("select[name=platform]").select_option(label="rocm")
    said(page, "1 of")
    assert visible.all_inner_texts() == ["_C::fused_add"]
    page.locator("select[name=platform]").select_option(label="cpu")
    said(page, "No operator")
    # A count is a link to the operators that it counts.
    page.get_by_label("1 absent, called, rocm").click()
    said(page, "1 of")
    assert visible.all_inner_texts() == ["_C::cutlass_mla_decode"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [None, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_serious(visit: Open, theme: str, size: dict[str, int] | None) -> None:
    html = render("extension-1.0", SMALL)
    page = (visit(html, theme=theme, size=size) if size else visit(html, theme=theme)).page
    page.locator("summary").first.click()
    assert violations(page) == []


def test_the_theme_follows_the_system_until_it_is_chosen(visit: Open) -> None:
    page = visit(render("extension-1.0", SMALL), theme="dark").page
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    toggle = page.get_by_role("button", name="Dark")
    assert toggle.get_attribute("aria-pressed") == "true"
    toggle.click()
    light = page.evaluate(background)
    assert toggle.get_attribute("aria-pressed") == "false"
    assert light != dark
    page.reload()
    assert page.evaluate(background) == light


@pytest.mark.parametrize("count", [1, 3, 4, 9], ids="{} platforms".format)
def test_a_phone_does_not_scroll_sideways(visit: Open, count: int) -> None:
    platforms = [f"platform-{number}:9.0,10.0" for number in range(count)]
    cells = {f"_C::{'a_rather_long_name_' * 4}{number}": (BROKEN,) * count for number in range(3)}
    page = visit(render("x" * 80, matrix_of(cells, *platforms)), size=PHONE).page
    page.locator("summary").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_a_table_of_many_platforms_is_a_region_that_the_keyboard_scrolls(visit: Open) -> None:
    platforms = [f"platform-{number}" for number in range(9)]
    table = matrix_of({"_C::fused_add": (BROKEN,) * 9}, *platforms)
    page = visit(render("wide", table), size=PHONE).page
    region = page.get_by_role("region", name="Operators", exact=True)
    region.focus()
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    last = page.locator("#operators thead th").last
    expect(last).to_be_in_viewport(ratio=0.9)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert violations(page) == []


def test_hostile_names_are_text(visit: Open) -> None:
    cells = dict.fromkeys(HOSTILE, CELLS[:3])
    rows = tuple(
        Row(
            name,
            (name,),
            tuple(
                Cell(
                    Answer(
                        Truth.TRUE, (Related(Location(name, 1), state("place.guard", guard=name)),)
                    ),
                    each.defined,
                    ((name, YES),),
                    each.built,
                    each.called,
                )
                for each in found
            ),
        )
        for name, found in cells.items()
    )
    html = render(HOSTILE[0], Matrix((HOSTILE[0], HOSTILE[2], HOSTILE[3]), rows))
    html.encode("utf-8")
    found = elements_of(html)
    assert {name for name, _ in found} & {"img", "svg", "iframe", "object"} == set()
    assert [each for _, each in found if any(name.startswith("on") for name in each)] == []
    seen = visit(html)
    seen.page.locator("select[name=platform]").select_option(index=2)
    assert seen.page.title().startswith(HOSTILE[0])
    assert seen.page.locator("script").count() == html.count("<script>") == 2
    shown = seen.page.locator("#operators summary").all_inner_texts()
    assert shown[:-1] == list(HOSTILE[:-1])
    assert shown[-1] == "\\x1b[31m\\r\\n\\u202eevil\\ud800&amp;&#x41;"
    assert seen.complaints == []


def test_thousands_of_operators_are_filtered_at_once(visit: Open) -> None:
    cells = {
        f"_C::operator_{number:05}": (WORKS, CELLS[number % 6], CELLS[number % 5], ABSENT)
        for number in range(1200)
    }
    page = visit(render("large", matrix_of(cells, "cuda", "rocm", "cpu", "xpu"))).page
    said(page, r"1200 of 1200 operators \(the first 500 are listed\)")
    assert page.evaluate(LISTED) == 500
    spent = page.evaluate(
        """async () => {
          const input = document.querySelector("input[type=search]");
          const spent = [];
          for (const text of ["1", "12", ""]) {
            input.value = text;
            const before = performance.now();
            document.forms[0].dispatchEvent(new Event("input"));
            await new Promise(requestAnimationFrame);
            spent.push(performance.now() - before);
          }
          return spent;
        }"""
    )
    # 5 to 20 ms alone on two cores: a keystroke must not be felt where the machine is shared.
    assert min(spent) < 250
    page.get_by_label("Operator, function or path").fill("1199")
    said(page, "1 of 1200 operators$")
    assert page.locator("#operators tbody:visible th").inner_text() == "_C::operator_01199"
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="List all").click()
    said(page, "1200 of 1200 operators$")
    assert page.evaluate(LISTED) == 1200


def test_a_long_table_is_whole_without_a_script(visit: Open) -> None:
    cells = {f"_C::operator_{number}": (ABSENT,) for number in range(600)}
    page = visit(render("long", matrix_of(cells, "cuda")), scripts=False).page
    assert page.locator("#operators tbody:visible").count() == 600


def test_a_matrix_without_operators_says_so(visit: Open) -> None:
    seen = visit(render("empty", Matrix((), ())))
    assert "No operator is registered" in seen.page.locator("main").inner_text()
    assert seen.complaints == []
    assert violations(seen.page) == []


def test_the_command_writes_the_page() -> None:
    result = CliRunner().invoke(application, ["matrix", str(PROJECT), "--output-format", "html"])
    assert result.exit_code == 0
    assert result.stdout.startswith("<!doctype html>")
    assert "silu_<wbr>and_<wbr>mul_<wbr>per_<wbr>block_<wbr>quant" in result.stdout


def test_the_page_is_utf_8_whatever_the_outputs_encoding() -> None:
    command = [sys.executable, "-m", "opparity", "matrix", str(PROJECT), "--output-format", "html"]
    pages = [
        subprocess.run(
            command,
            env={
                **os.environ,
                "PYTHONIOENCODING": encoding,
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
            capture_output=True,
            check=True,
        ).stdout
        for encoding in ("utf-8", "ascii")
    ]
    assert pages[0] == pages[1]
    assert "✓" in pages[0].decode("utf-8")
