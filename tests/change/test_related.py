"""Earlier commits that restrict or return something by platform, in Python and by what they say.

vLLM's history before #38750 has #38778, a revert, and #38730, a restriction of TRTLLM attention.
That repository is too large for a test; these commits have the shape of those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from change.change_reports import REPAIRED, UNGUARDED, statements
from change.test_revisions import commit, report
from checker.trees_on_disk import git, write_folder
from opparity.change.git.patches import Patch
from opparity.change.model import Commit
from opparity.change.tell.restrictions import (
    PYTHON_TEST,
    Interest,
    Restriction,
    rank,
    read_restriction,
)

if TYPE_CHECKING:
    from pathlib import Path

ATTENTION = """from demo.platforms import current_platform


def supports_trtllm_attention():
    return current_platform.has_device_capability(100)


def use_trtllm_attention(tokens):
    return supports_trtllm_attention() and tokens > 0
"""
RESTRICTED = ATTENTION.replace(
    "current_platform.has_device_capability(100)",
    "current_platform.is_device_capability_family(100)",
)
ROUTER = '  ops.def("router_gemm(Tensor input) -> Tensor");\n'
RESTRICTION = "[Bugfix] Restrict TRTLLM attention to SM100 (#38730)"
REVERT = 'Revert "[Kernel] Add router GEMM kernel" (#38778)'
CHANGE = "Test USE_ROCM (#38750)"


def file(root: Path, path: str, text: str, message: str, day: int) -> None:
    write_folder(root, {path: text.encode()})
    commit(root, message, day=day)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with the story of #38750: a restriction, a revert, the change."""
    root = tmp_path / "extension"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch", "main")
    commit(root, "Begin (#32996)", UNGUARDED)
    file(root, "demo/attention.py", ATTENTION, "Use TRTLLM attention (#38000)", 1)
    bindings = root / "csrc/torch_bindings.cpp"
    plain = bindings.read_text()
    place = plain.rindex("}")
    more = f"{plain[:place]}{ROUTER}{plain[place:]}"
    file(root, "csrc/torch_bindings.cpp", more, "[Kernel] Add router GEMM kernel (#38100)", 2)
    file(root, "demo/attention.py", RESTRICTED, RESTRICTION, 3)
    file(root, "csrc/torch_bindings.cpp", plain, REVERT, 4)
    commit(root, CHANGE, REPAIRED, day=5)
    return root


def indirect(root: Path, revisions: str = "HEAD~1..HEAD") -> dict[str, dict[str, Any]]:
    related = report(revisions, "--repository", root)["related"]
    return {each["subject"]: each for each in related["indirect"]}


def test_a_revert_and_a_restriction_in_python_are_told(repository: Path) -> None:
    found = indirect(repository)
    assert {REVERT, RESTRICTION} <= found.keys()
    assert "related.reverts" in statements(found[REVERT])
    assert found[REVERT]["numbers"] == ["#38778"]
    (tests,) = [e for e in found[RESTRICTION]["reasons"] if e["key"] == "related.python_tests"]
    assert tests["values"] == {"added": 1, "removed": 1, "files": ["demo/attention.py"]}
    assert found[RESTRICTION]["operators"] == []


def test_what_concerns_no_platform_is_left_out(repository: Path) -> None:
    assert "[Kernel] Add router GEMM kernel (#38100)" not in indirect(repository)
    file(repository, "demo/attention.py", f"{RESTRICTED}\n\nX = 1\n", "Add a constant", 6)
    file(repository, "README.md", "words\n", 'Revert "Explain ROCm"', 7)
    commit(repository, "The change again", UNGUARDED, day=8)
    found = indirect(repository)
    assert not {"Add a constant", 'Revert "Explain ROCm"'} & found.keys()


def test_of_many_the_nearest_are_listed_and_the_rest_counted(repository: Path) -> None:
    """Guards of other platforms, as every week has some, come after what is near."""
    git(repository, "reset", "--quiet", "--hard", "HEAD~3")
    cmake = (repository / "CMakeLists.txt").read_text()
    for number in range(12):
        cmake += f'if(GPU_LANGUAGE STREQUAL "XPU")\n  message("{number}")\nendif()\n'
        file(repository, "CMakeLists.txt", cmake, f"Say {number}", 5)
    file(repository, "demo/attention.py", RESTRICTED, RESTRICTION, 6)
    for number in range(12, 16):
        cmake += f'if(GPU_LANGUAGE STREQUAL "XPU")\n  message("{number}")\nendif()\n'
        file(repository, "CMakeLists.txt", cmake, f"Say {number}", 7)
    commit(repository, CHANGE, REPAIRED, day=8)
    related = report("HEAD~1..HEAD", "--repository", repository)["related"]
    subjects = [each["subject"] for each in related["indirect"]]
    assert len(subjects) == 8
    assert subjects[0] == RESTRICTION
    (note,) = [each for each in related["notes"] if each["key"] == "related.nearest"]
    # Sixteen guards of XPU, the restriction, and the commit that brought its test.
    assert note["values"] == {"count": 18, "shown": 8}


def test_a_commit_that_changes_who_calls_the_operator_is_a_direct_relation(
    repository: Path,
) -> None:
    caller = (
        "import torch\n\nfrom demo.platforms import current_platform\n\n\ndef quantise(out, x):\n"
        "    if current_platform.is_rocm():\n        return\n"
        "    torch.ops._C.silu_and_mul_per_block_quant(out, x)\n"
    )
    file(repository, "demo/quantise.py", caller, "Call it from Python (#38200)", 6)
    commit(repository, "The change again", UNGUARDED, day=8)
    related = report("HEAD~1..HEAD", "--repository", repository)["related"]
    assert "Call it from Python (#38200)" in {each["subject"] for each in related["direct"]}


def test_tests_of_the_project_and_comments_are_no_restriction(repository: Path) -> None:
    text = "def test_x():\n    if current_platform.is_rocm():\n        pytest.skip()\n"
    file(repository, "tests/test_x.py", text, "Skip on ROCm", 6)
    comment = f"# not where current_platform.is_rocm()\n{RESTRICTED}"
    file(repository, "demo/attention.py", comment, "Explain", 7)
    commit(repository, "The change again", UNGUARDED, day=8)
    assert not {"Skip on ROCm", "Explain"} & indirect(repository).keys()


@pytest.mark.parametrize(
    ("subject", "body", "reverts", "relands"),
    [
        ('Revert "Add a kernel" (#38778)', "", 'Add a kernel" (#38778)', ""),
        ("[ROCm] Revert Add a kernel", "", "Add a kernel", ""),
        ("Take it back", "This reverts commit 0123456789abcdef.", "0123456789ab", ""),
        ("[Core][ROCm] Reland: Add a kernel", "", "", "Add a kernel"),
        ("Reapply Add a kernel", "This reverts commit 0123456789abcdef.", "", "Add a kernel"),
        ('Revert "Revert "Add a kernel""', "", "", "Add a kernel"),
        ("Reverted text is shown", "", "", ""),
        ("Add a kernel", "It reverts nothing.", "", ""),
    ],
)
def test_reverts_are_known_by_what_they_say(
    subject: str, body: str, reverts: str, relands: str
) -> None:
    found = read_restriction(Commit("a" * 40, "2026-04-01", subject, body), None)
    assert (found.reverts, found.relands) == (reverts, relands)


@pytest.mark.parametrize(
    ("subject", "platforms"),
    [
        ("Disable the fused kernel on ROCm", {"rocm"}),
        ("Enable FP8 attention for Hopper and MI300X", {"cuda", "rocm"}),
        ("Restrict TRTLLM attention to SM100", {"cuda"}),
        ("Support CPU offload", {"cpu"}),
    ],
)
def test_a_subject_speaks_of_a_restriction_where_it_names_a_platform(
    subject: str, platforms: set[str]
) -> None:
    found = read_restriction(Commit("a" * 40, "2026-04-01", subject, ""), None)
    assert found.speaks
    assert found.platforms == platforms


@pytest.mark.parametrize("subject", ["Explain ROCm", "Disable a warning", "Fix CUDA graphs"])
def test_other_subjects_do_not(subject: str) -> None:
    assert not read_restriction(Commit("a" * 40, "2026-04-01", subject, ""), None).speaks


@pytest.mark.parametrize(
    "line",
    [
        "if current_platform.is_rocm():",
        "    return is_hip() and x",
        "if torch.version.hip is not None:",
        "major, _ = torch.cuda.get_device_capability()",
        "if not current_platform.is_device_capability_family(100):",
        "on_gfx950 = on_gfx9()",
        "_is_cuda = is_cuda()",
    ],
)
def test_a_test_of_the_platform_is_known_in_python(line: str) -> None:
    assert PYTHON_TEST.search(line)


@pytest.mark.parametrize(
    "line", ["device = current_platform.device_type", "is_cudagraph = True", "x.cuda()"]
)
def test_what_is_no_test_of_the_platform(line: str) -> None:
    assert not PYTHON_TEST.search(line)


def nearness(
    subject: str = "A change",
    found: Restriction | None = None,
    *,
    between: int = 0,
    guards: bool = False,
) -> float:
    """Return how near a commit is to a change of silu on ROCm."""
    interest = Interest(frozenset({"rocm"}), frozenset({"silu", "quant"}))
    each = Commit("a" * 40, "2026-04-01", subject, "")
    return rank(each, found or Restriction(), interest, guards=guards, between=between)


def test_what_says_more_of_a_change_is_nearer_to_it() -> None:
    added, removed, rocm = {"+": 1, "-": 0}, {"+": 0, "-": 2}, {"rocm"}
    whole = Restriction(added, platforms=rocm, reverts="silu")
    falling = [
        nearness("Revert silu", whole, guards=True),
        nearness("Revert it", whole),
        nearness("Revert it", Restriction(platforms=rocm, reverts="it")),
        nearness("Revert it", Restriction(platforms={"cuda"}, relands="it")),
        nearness("Look at the platform", Restriction(removed)),
        nearness("Restrict it", Restriction(speaks=True)),
    ]
    assert falling == sorted(set(falling), reverse=True)
    equal = [nearness(guards=True), nearness(found=Restriction(platforms=rocm))]
    assert len({*equal, nearness("Quant it"), falling[-1]}) == 1
    assert nearness(found=Restriction(platforms={"cuda"})) == nearness("A kernel") == 0


def test_commits_in_between_count_against_a_commit() -> None:
    found = Restriction(reverts="it")
    assert nearness("Revert it", found, between=50) == nearness("Revert it", found) - 1
    assert nearness(found=Restriction(platforms={"rocm"}), between=120) < nearness(between=10)


@pytest.mark.parametrize(
    ("text", "sign", "count"),
    [
        ("if current_platform.is_rocm():", "+", 1),
        ("if current_platform.is_rocm():", "-", 1),
        ("if current_platform.is_rocm():", " ", 0),
        ("# current_platform.is_rocm()", "+", 0),
        ("x = 1", "+", 0),
    ],
)
def test_only_changed_lines_of_python_are_tests_of_a_platform(
    text: str, sign: str, count: int
) -> None:
    one = Commit("a" * 40, "2026-04-01", "A change", "")
    places = [[(sign, text)]]
    found = read_restriction(one, Patch("a" * 40, places, ["demo/a.py"]))
    assert sum(found.tests.values()) == found.tests.get(sign, 0) == count
    assert list(found.files) == ["demo/a.py"] * count
    assert found.platforms == ({"rocm"} if count else set())
    assert found.is_one is bool(count)
    native = read_restriction(one, Patch("a" * 40, places, ["demo/a.cpp"]))
    assert not native.is_one


def test_the_trend_is_of_months_and_what_moves_counts_for_nothing(repository: Path) -> None:
    git(repository, "reset", "--quiet", "--hard", "HEAD~1")
    bindings = repository / "csrc/torch_bindings.cpp"
    plain = bindings.read_text()
    place = plain.rindex("}")

    def write(more: str, message: str, day: int) -> None:
        text = f"{plain[:place]}{more}{plain[place:]}"
        file(repository, "csrc/torch_bindings.cpp", text, message, day)

    other = ROUTER.replace("router_gemm", "other_gemm")
    guard = "#ifdef USE_ROCM\n#endif\n"
    write(ROUTER, "Add an operator", 30)
    write(other, "Put another in its place", 31)
    write(f"{other}{guard}", "Guard something", 32)
    write("", "Take both out", 60)
    file(repository, "README.md", "words\n", "Explain", 90)
    commit(repository, CHANGE, REPAIRED, day=91)
    trend = report("HEAD~1..HEAD", "--repository", repository)["related"]["trend"]
    counted = [
        tuple(
            point[f"{what}_{how}"] for what in ("operators", "guards") for how in ("gained", "lost")
        )
        for point in trend
    ]
    assert [point["period"] for point in trend] == ["2026-01", "2026-02", "2026-03"]
    # At first two operators and the router's, which was taken back; CMake asks for CUDA and HIP.
    assert counted == [(3, 1, 2, 0), (1, 0, 1, 0), (0, 1, 0, 1)]
