"""Trees in every form, and the ones that nobody would make for a good reason."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from change.change_reports import OPERATOR, PROJECTS, REPAIRED, UNGUARDED, inspected, statements
from checker.trees_on_disk import write_folder, write_tar, write_zip
from opparity.change.build import build_report
from opparity.change.compare.excerpts import compare_texts
from opparity.change.compare.matrix import change_of
from opparity.change.model import CellChangeKind, CellState, FileStatus
from opparity.checker.analysis.verdict import CellVerdict
from opparity.command_line import application

if TYPE_CHECKING:
    from pathlib import Path

CMAKE = """
find_package(Torch REQUIRED)
if(CUDA_FOUND AND NOT HIP_FOUND)
  set(GPU "CUDA")
elseif(HIP_FOUND)
  set(GPU "HIP")
  add_compile_definitions(USE_ROCM)
endif()
set(SOURCES "bindings.cpp")
LISTS
Python_add_library(_C MODULE ${SOURCES} WITH_SOABI)
set_source_files_properties(${SOURCES} PROPERTIES LANGUAGE ${GPU})
target_link_libraries(_C PRIVATE torch)
"""
BINDINGS = """#include <torch/library.h>
void scale(torch::Tensor& out);
TORCH_LIBRARY(_C, ops) {
  ops.def("scale(Tensor! out) -> ()");
  ops.impl("scale", torch::kCUDA, &scale);
}
"""
KERNEL = "#include <torch/all.h>\nvoid scale(torch::Tensor& out) { out.mul_(2); }\n"
LOADER = "import torch\n\ntorch.ops.load_library(__file__ + '/../_C.so')\n"
CALLER = "import torch\n\n\ndef scale(out):\n    GUARDtorch.ops._C.scale(out)\n"


def tree(root: Path, lists: str, bindings: str = BINDINGS, guard: str = "") -> Path:
    files = {
        "CMakeLists.txt": CMAKE.replace("LISTS", lists),
        "bindings.cpp": bindings,
        "scale.cu": KERNEL,
        "package/__init__.py": LOADER,
        "package/ops.py": CALLER.replace("GUARD", guard),
    }
    return write_folder(root, {name: text.encode() for name, text in files.items()})


EVERYWHERE = 'list(APPEND SOURCES "scale.cu")'
CUDA_ONLY = 'if(GPU STREQUAL "CUDA")\n  list(APPEND SOURCES "scale.cu")\nendif()'
GUARDED = BINDINGS.replace("TORCH_LIBRARY", "#ifndef USE_ROCM\nTORCH_LIBRARY") + "#endif\n"


def run(*arguments: object) -> Any:  # noqa: ANN401 -- typer does not publish the class
    return CliRunner().invoke(application, ["report", *(str(each) for each in arguments)])


def report(before: Path, after: Path, *arguments: object) -> dict[str, Any]:
    result = run("--before", before, "--after", after, "--output-format", "json", *arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def contents(project: str) -> dict[str, bytes]:
    root = PROJECTS / project
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_folders_sdists_and_zips_tell_the_same(tmp_path: Path) -> None:
    archives = (
        write_tar(tmp_path / "before.tar.gz", contents(UNGUARDED)),
        write_zip(tmp_path / "after.zip", contents(REPAIRED)),
    )
    found = report(*archives)
    folders = report(PROJECTS / UNGUARDED, PROJECTS / REPAIRED)
    for part in ("implementation", "matrix", "review", "risks"):
        assert found[part] == folders[part]


def test_a_source_that_leaves_a_platforms_list_is_told_at_the_list(tmp_path: Path) -> None:
    before = inspected(tree(tmp_path / "a", EVERYWHERE))
    after = inspected(tree(tmp_path / "b", CUDA_ONLY))
    found = build_report(before, after)
    (row,) = found.implementation.rows
    assert row.path == "CMakeLists.txt"
    said = {each.key: dict(each.values) for each in (*row.changes, *row.effects)}
    assert said["change.unlisted"] == {"sources": ("scale.cu",), "platforms": ("rocm",)}
    assert said["effect.broke"]["platforms"] == ("rocm",)


@pytest.mark.parametrize(
    ("guard", "outcome"),
    [
        ("", "fails"),
        ('if hasattr(torch.ops._C, "scale"): ', "falls_back"),
        ("if torch.version.hip is None: ", "not_reached"),
    ],
)
def test_the_callers_of_a_lost_operator_are_told_with_what_becomes_of_them(
    tmp_path: Path, guard: str, outcome: str
) -> None:
    before = inspected(tree(tmp_path / "a", EVERYWHERE, guard=guard))
    after = inspected(tree(tmp_path / "b", CUDA_ONLY, GUARDED, guard=guard))
    found = build_report(before, after)
    (lost,) = found.risks.lost
    assert (lost.operator, lost.platform, lost.was_broken) == ("_C::scale", "rocm", False)
    assert [(c.path, c.line, c.outcome.value) for c in lost.callers] == [
        ("package/ops.py", 5, outcome)
    ]


IMPLEMENTED_ON_CUDA = BINDINGS.replace(
    '  ops.impl("scale", torch::kCUDA, &scale);\n',
    '#ifndef USE_ROCM\n  ops.impl("scale", torch::kCUDA, &scale);\n#endif\n',
)


@pytest.mark.parametrize(
    ("guard", "calls", "risk"),
    [
        ("", "undecided", "fails"),
        ("if torch.version.hip is None: ", "works", "not_reached"),
    ],
)
def test_an_operator_that_keeps_its_schema_alone_is_lost_and_its_calls_are_in_doubt(
    tmp_path: Path, guard: str, calls: str, risk: str
) -> None:
    before = inspected(tree(tmp_path / "a", EVERYWHERE, guard=guard))
    after = inspected(tree(tmp_path / "b", CUDA_ONLY, IMPLEMENTED_ON_CUDA, guard=guard))
    found = build_report(before, after)
    (row,) = found.matrix.changed
    kinds = {cell.platform: cell.kind for cell in row.cells}
    assert kinds == {"cuda": CellChangeKind.SAME, "rocm": CellChangeKind.EMPTIED}
    outlooks = {each.platform: each.after for each in found.summary.verdicts if each.after}
    assert (outlooks["rocm"].imports.value, outlooks["rocm"].calls.value) == ("works", calls)
    assert outlooks["cuda"].calls.value == "works"
    # The file itself is compiled there.
    told = [each.statement.key for each in after.report.findings if each.rule == "DEF003"]
    assert told == ["DEF003.guarded"]
    (lost,) = found.risks.lost
    assert (lost.is_registered, lost.was_broken) == (True, False)
    assert [caller.outcome.value for caller in lost.callers] == [risk]
    assert "summary.emptied" in {each.key for each in found.summary.paragraph}
    assert "impact.emptied" in {each.key for each in found.risks.negative}
    assert "risk.unimplemented" in {each.key for each in found.risks.risks}


def test_to_take_away_an_implementation_that_is_not_built_mends_the_import_and_not_the_calls(
    tmp_path: Path,
) -> None:
    before = inspected(tree(tmp_path / "a", CUDA_ONLY))
    after = inspected(tree(tmp_path / "b", CUDA_ONLY, IMPLEMENTED_ON_CUDA))
    found = build_report(before, after)
    (rocm,) = [each for each in found.summary.verdicts if each.platform == "rocm"]
    assert rocm.before is not None
    assert rocm.after is not None
    assert (rocm.before.imports.value, rocm.after.imports.value) == ("fails", "works")
    assert rocm.after.calls.value == "undecided"
    assert [(each.was_broken, each.is_registered) for each in found.risks.lost] == [(True, True)]


def test_an_implementation_where_the_schema_was_alone_is_good_news(tmp_path: Path) -> None:
    before = inspected(tree(tmp_path / "a", CUDA_ONLY, IMPLEMENTED_ON_CUDA))
    after = inspected(tree(tmp_path / "b", EVERYWHERE))
    found = build_report(before, after)
    kinds = {cell.platform: cell.kind for row in found.matrix.rows for cell in row.cells}
    assert kinds == {"cuda": CellChangeKind.SAME, "rocm": CellChangeKind.COMPLETED}
    assert "summary.completed" in {each.key for each in found.summary.paragraph}
    assert "impact.completed" in {each.key for each in found.risks.positive}


def test_an_operator_that_moves_to_a_common_list_is_mended(tmp_path: Path) -> None:
    before = inspected(tree(tmp_path / "a", CUDA_ONLY))
    after = inspected(tree(tmp_path / "b", EVERYWHERE))
    found = build_report(before, after)
    kinds = {cell.platform: cell.kind for row in found.matrix.rows for cell in row.cells}
    assert kinds == {"cuda": CellChangeKind.SAME, "rocm": CellChangeKind.MENDED}


def test_earlier_releases_give_relations_and_a_trend(tmp_path: Path) -> None:
    releases = [tree(tmp_path / f"x-{n}", lists) for n, lists in enumerate((EVERYWHERE, CUDA_ONLY))]
    after = tree(tmp_path / "x-2", CUDA_ONLY, GUARDED)
    found = report(releases[1], after, "--earlier", releases[0])["related"]
    (direct,) = found["direct"]
    assert direct["operators"] == ["_C::scale"]
    assert "related.release_broke" in statements(direct)
    (point,) = found["trend"]
    assert (point["operators_gained"], point["guards_gained"]) == (0, 0)


def test_named_relations_are_listed_and_quoted(tmp_path: Path) -> None:
    related = tmp_path / "related.toml"
    related.write_text(
        '[[change]]\nnumber = "#32996"\nsubject = "<b>"\nreason = "it began there"\n'
    )
    found = report(PROJECTS / UNGUARDED, PROJECTS / REPAIRED, "--related", related)
    assert found["related"]["direct"][0]["numbers"] == ["#32996"]
    shown = run(
        "--before", PROJECTS / UNGUARDED, "--after", PROJECTS / REPAIRED, "--related", related
    ).stdout
    assert "`<b>` `#32996`" in shown


@pytest.mark.parametrize(
    "text",
    [
        "not toml [",
        "[[change]]\nnumber = 3\n",
        '[[change]]\nnumbers = "#3"\n',
        '[[change]]\nrelation = "distant"\n',
        "change = 3\n",
        '[other]\nx = "y"\n',
        "[[change]]\n" * 101,
        "#" * 300_000,
    ],
)
def test_a_file_of_relations_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    related = tmp_path / "related.toml"
    related.write_text(text)
    trees = ("--before", PROJECTS / UNGUARDED, "--after", PROJECTS / REPAIRED)
    result = run(*trees, "--related", related)
    assert result.exit_code == 2
    assert "docs/report.md has an example" in result.stderr


def test_binary_files_are_counted_and_their_lines_never_shown(tmp_path: Path) -> None:
    for name, content in (("a", b"\0\1<b>"), ("b", b"\0\2<i>" * 10)):
        shutil.copytree(PROJECTS / UNGUARDED, tmp_path / name)
        write_folder(tmp_path / name, {"csrc/data.cu": content, f"only_{name}.bin": content})
    found = report(tmp_path / "a", tmp_path / "b")
    assert found["implementation"]["rows"] == []
    counts = {each["kind"]: each for each in found["implementation"]["others"]}
    assert (counts["other"]["added"], counts["other"]["removed"]) == (1, 1)


def test_a_description_of_a_megabyte_is_cut_and_said_to_be(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_bytes(b"see #12 \xff" * 200_000)
    trees = (PROJECTS / UNGUARDED, PROJECTS / REPAIRED)
    found = report(*trees, "--description", text)["motivation"]
    assert found["is_cut"]
    assert found["numbers"] == ["#12"]
    assert len(found["description"]) <= 8_000


def test_an_enormous_difference_is_counted_in_bounded_time_and_not_shown() -> None:
    before = "".join(f"int a{number};\n" for number in range(200_000))
    after = "".join(f"int b{number};\n" for number in range(150_000))
    found = compare_texts(before, after, ["a1"], 20)
    assert (found.added, found.removed, found.omitted) == (150_000, 200_000, 350_000)
    assert found.excerpts == ()


def test_a_difference_of_like_lines_takes_bounded_time() -> None:
    found = compare_texts("}\n\n" * 2_900, "\n}\n" * 2_800, [], 20)
    assert sum(len(excerpt.lines) for excerpt in found.excerpts) <= 20


def test_an_excerpt_shows_first_what_names_the_operator() -> None:
    before = "".join(f"line {number};\n" for number in range(100))
    after = before.replace("line 10;", "other 10;").replace("line 90;", f'"{OPERATOR}";')
    found = compare_texts(before, after, ["silu_and_mul_per_block_quant"], 6)
    shown = [line.text for excerpt in found.excerpts for line in excerpt.lines]
    assert f'"{OPERATOR}";' in shown
    assert "other 10;" not in shown
    assert found.omitted == 2


def test_long_lines_and_control_characters_are_tamed() -> None:
    found = compare_texts("", "x" * 5_000 + "\n\x1b[31mred\u202e\n", [], 20)
    shown = [line.text for excerpt in found.excerpts for line in excerpt.lines]
    assert all(len(text) <= 161 and text.isprintable() for text in shown)


def test_a_file_that_comes_or_goes_is_told_so(tmp_path: Path) -> None:
    empty = write_folder(tmp_path / "a", {"README.md": b"nothing\n"})
    found = build_report(inspected(empty), inspected(tree(tmp_path / "b", EVERYWHERE)))
    assert {row.status for row in found.implementation.rows} == {FileStatus.ADDED}
    back = build_report(inspected(tmp_path / "b"), inspected(empty))
    assert {row.status for row in back.implementation.rows} == {FileStatus.REMOVED}
    assert "summary.removed" in {each.key for each in back.summary.paragraph}


def test_a_prototype_agrees_with_one_of_an_operators_registrations(tmp_path: Path) -> None:
    """Each platform's file registers the operator under a guard of its own."""
    guarded = BINDINGS.replace("void scale", "#ifndef USE_ROCM\nvoid scale").replace(
        "out);\n", "out);\n#endif\n", 1
    )
    guarded = guarded.replace("TORCH", "#ifndef USE_ROCM\nTORCH", 1) + "#endif\n"
    processor = (
        "#include <torch/library.h>\nTORCH_LIBRARY(_C, ops) {\n#ifdef __AVX512F__\n"
        '  ops.def("scale(Tensor! out) -> ()");\n#endif\n}\n'
    )
    before = tree(tmp_path / "a", CUDA_ONLY)
    after = tree(tmp_path / "b", CUDA_ONLY, guarded)
    for root in (before, after):
        write_folder(root, {"processor.cpp": processor.encode()})
    found = build_report(inspected(before), inspected(after))
    keys = [each.key for each in found.review.remarks]
    assert "remark.guards_agree" in keys
    assert "remark.guards_differ" not in keys


@pytest.mark.parametrize(
    ("guard", "key"),
    [
        ("", "effect.called_everywhere"),
        ("if is_fast(): ", "effect.called_undecided"),
        ("if torch.version.hip is None: ", "effect.called"),
    ],
)
def test_a_new_call_says_where_it_is_made(tmp_path: Path, guard: str, key: str) -> None:
    before = tree(tmp_path / "a", EVERYWHERE)
    (before / "package/ops.py").write_text("import torch\n")
    found = report(before, tree(tmp_path / "b", EVERYWHERE, guard=guard))
    (row,) = [row for row in found["implementation"]["rows"] if row["kind"] == "python"]
    assert [each["key"] for each in row["effects"]] == [key]


def test_excerpts_show_what_is_near_the_names_and_not_the_top_of_the_file() -> None:
    lines = [f"// licence {number}" for number in range(40)]
    text = "\n".join([*lines, "void scale() {", *(f"  step({number});" for number in range(40))])
    shown = compare_texts("", text, ["scale"], budget=9)
    texts = [line.text for excerpt in shown.excerpts for line in excerpt.lines]
    assert "void scale() {" in texts
    assert len(texts) == 9
    assert "// licence 0" not in texts
    assert "  step(3);" in texts


def test_what_cannot_be_decided_is_neither_gained_nor_lost() -> None:
    absent, undecided = (
        CellState(verdict, "no", "unknown", "unknown", "unknown", "no", "")
        for verdict in (CellVerdict.ABSENT, CellVerdict.UNDECIDED)
    )
    assert change_of(absent, undecided) is CellChangeKind.OTHER
    assert change_of(undecided, absent) is CellChangeKind.OTHER
