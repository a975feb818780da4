"""What a source sees of macros: its build's, torch's, the compiler's and the tree's."""

from __future__ import annotations

import pytest

from opparity.checker.analysis.translation import translation_unit
from opparity.checker.facts.builds import MacroSetting, Target
from opparity.checker.facts.conditions import (
    ALWAYS,
    UNDECIDED,
    Comparison,
    Condition,
    Defined,
    Not,
    Predicate,
    Truth,
    evaluate,
)
from opparity.checker.facts.native import MacroDefinition
from opparity.checker.facts.places import Location
from opparity.checker.facts.platforms import Platform, parse_platform

CMAKE, SCRIPT = Location("CMakeLists.txt", 1), Location("setup.py", 1)
WORDS = {"yes": Truth.TRUE, "no": Truth.FALSE, "open": Truth.UNKNOWN}
# Each name's definitions in files of the tree, by the conditions around them.
IN_TREE: dict[str, tuple[Condition, ...]] = {
    "PLAIN": (ALWAYS,),
    "OF_NOBODY": (Defined("ABSENT"),),
    "CHAINED": (Defined("OF_NOBODY"),),
    "HANGING": (Defined("PLAIN"),),
    "TWICE": (Defined("ABSENT"), ALWAYS),
    "NEVER_TWICE": (Defined("ABSENT"), Defined("OF_NOBODY")),
    "WITHOUT_GPU": (Not(Defined("__CUDACC__")),),
    "ROUND": (Defined("ABOUT"),),
    "ABOUT": (Defined("ROUND"),),
    "GIVEN": (Defined("ABSENT"),),
}


def truth_in(condition: Condition, path: str, platform: Platform, target: Target) -> Truth:
    in_tree = {
        name: tuple(MacroDefinition(name, "1", CMAKE, condition) for condition in conditions)
        for name, conditions in IN_TREE.items()
    }
    return evaluate(condition, translation_unit(platform, target, path, in_tree))


def target(*macros: MacroSetting, links: tuple[str, ...] = (), of: Location = CMAKE) -> Target:
    return Target("_C", "module", (), of, macros, links=links)


@pytest.mark.parametrize(
    ("condition", "path", "answer"),
    [
        # Whether the file that defines it is included nobody knows.
        (Defined("PLAIN"), "a.cpp", "open"),
        (Defined("OF_NOBODY"), "a.cpp", "no"),
        (Defined("CHAINED"), "a.cpp", "no"),
        (Defined("HANGING"), "a.cpp", "open"),
        (Defined("TWICE"), "a.cpp", "open"),
        (Defined("NEVER_TWICE"), "a.cpp", "no"),
        (Defined("WITHOUT_GPU"), "a.cpp", "open"),
        (Defined("WITHOUT_GPU"), "a.cu", "no"),
        (Defined("ROUND"), "a.cpp", "open"),
        (Defined("GIVEN"), "a.cpp", "yes"),
        (Defined("ABSENT"), "a.cpp", "no"),
        (Defined("SOMEBODYS_VERSION"), "a.cpp", "open"),
        (Comparison("OF_NOBODY", "==", "0"), "a.cpp", "yes"),
        (Comparison("OF_NOBODY", "!=", "0"), "a.cpp", "no"),
        (Comparison("PLAIN", "==", "1"), "a.cpp", "open"),
        (Comparison("GIVEN", "==", "7"), "a.cpp", "yes"),
        (Comparison("GIVEN", "<", "7"), "a.cpp", "no"),
        (Comparison("GIVEN", "<", "SOMEBODYS_VERSION"), "a.cpp", "open"),
        (Comparison("TEXT", "==", "1"), "a.cpp", "open"),
        (Comparison("8", ">", "GIVEN"), "a.cpp", "yes"),
        (Comparison("08", ">", "GIVEN"), "a.cpp", "open"),
        (Comparison("__CUDACC_VER_MAJOR__", ">=", "12"), "a.cu", "yes"),
        (Comparison("CUDA_VERSION", ">=", "12080"), "a.cu", "yes"),
        (Comparison("CUDA_VERSION", "<", "12080"), "a.cpp", "open"),
        (Predicate("platform", ("cuda",)), "a.cpp", "open"),
        (UNDECIDED, "a.cpp", "open"),
    ],
)
def test_a_source_sees_the_macros_of_its_build_and_perhaps_of_the_tree(
    condition: Condition, path: str, answer: str
) -> None:
    given = target(MacroSetting("GIVEN", "7", CMAKE), MacroSetting("TEXT", '"x"', CMAKE))
    assert truth_in(condition, path, Platform("cuda"), given) is WORDS[answer]


@pytest.mark.parametrize(
    ("setting", "path", "answer"),
    [
        (MacroSetting("M", "1", CMAKE), "a.cpp", "yes"),
        (MacroSetting("M", "1", CMAKE, is_set=Truth.UNKNOWN), "a.cpp", "open"),
        (MacroSetting("M", "1", CMAKE, languages=frozenset({"CUDA"})), "a.cpp", "no"),
        (MacroSetting("M", "1", CMAKE, languages=frozenset({"CUDA"})), "a.cu", "yes"),
        (MacroSetting("M", "1", CMAKE, sources=frozenset({"a.cpp"})), "a.cpp", "yes"),
        (MacroSetting("M", "1", CMAKE, sources=frozenset({"a.cpp"})), "b.cpp", "no"),
    ],
)
def test_a_setting_is_for_its_languages_and_sources(
    setting: MacroSetting, path: str, answer: str
) -> None:
    found = truth_in(Defined("M"), path, Platform("cuda"), target(setting))
    assert found is WORDS[answer]


def test_the_last_flag_counts_and_a_doubtful_one_takes_nothing_away() -> None:
    plain, gone = MacroSetting("M", "1", CMAKE), MacroSetting("M", "", CMAKE, removed=True)
    doubtful = MacroSetting("M", "2", CMAKE, is_set=Truth.UNKNOWN)
    for settings, answer in (((plain, gone), "no"), ((gone, plain), "yes")):
        found = truth_in(Defined("M"), "a.cpp", Platform("cpu"), target(*settings))
        assert found is WORDS[answer]
    both = target(plain, doubtful)
    assert truth_in(Defined("M"), "a.cpp", Platform("cpu"), both) is Truth.TRUE


@pytest.mark.parametrize(
    ("macro", "platform", "path", "linked", "answer"),
    [
        ("USE_ROCM", "rocm", "a.cpp", target(links=("torch",)), "yes"),
        ("USE_ROCM", "rocm", "a.cpp", target(links=("Torch::Torch_python",)), "yes"),
        ("USE_ROCM", "rocm", "a.cpp", target(of=SCRIPT), "yes"),
        ("USE_ROCM", "rocm", "a.cpp", target(), "open"),
        ("USE_ROCM", "rocm", "a.cpp", target(links=("other",)), "open"),
        ("USE_ROCM", "cuda", "a.cpp", target(links=("torch",)), "no"),
        ("USE_ROCM", "cpu", "a.cpp", target(of=SCRIPT), "no"),
        ("__HIP_PLATFORM_AMD__", "rocm", "a.cpp", target(of=SCRIPT), "yes"),
        ("__HIP_PLATFORM_AMD__", "cuda", "a.cpp", target(of=SCRIPT), "no"),
        ("__HIPCC__", "rocm", "a.cu", target(of=SCRIPT), "yes"),
        ("__HIPCC__", "rocm", "a.cpp", target(of=SCRIPT), "open"),
        ("__HIPCC__", "cuda", "a.cu", target(of=SCRIPT), "no"),
        ("__CUDACC__", "cuda", "a.cu", target(), "yes"),
        ("__CUDACC__", "rocm", "a.cu", target(), "no"),
        ("__CUDACC__", "cpu", "a.cpp", target(), "no"),
        ("CUDA_VERSION", "cuda", "a.cu", target(), "yes"),
        ("CUDA_VERSION", "rocm", "a.cu", target(), "no"),
        ("HIP_VERSION", "rocm", "a.cu", target(), "yes"),
        ("__CUDA_ARCH__", "cuda", "a.cu", target(), "no"),
        ("__HIP_DEVICE_COMPILE__", "rocm", "a.cu", target(), "no"),
        ("__gfx942__", "rocm", "a.cu", target(), "no"),
        ("__linux__", "cpu", "a.cpp", target(), "yes"),
        ("_WIN32", "cpu", "a.cpp", target(), "no"),
        ("__x86_64__", "cpu", "a.cpp", target(), "yes"),
        ("__aarch64__", "cpu", "a.cpp", target(), "no"),
        ("__aarch64__", "cpu:aarch64", "a.cpp", target(), "yes"),
        ("__x86_64__", "cpu:aarch64", "a.cpp", target(), "no"),
        ("__ARM_NEON", "cpu:aarch64", "a.cpp", target(), "yes"),
        ("__AVX512F__", "cpu", "a.cpp", target(), "no"),
        ("__SSE2__", "cpu", "a.cpp", target(), "yes"),
        ("__SOMEBODYS_OWN__", "cpu", "a.cpp", target(), "open"),
    ],
)
def test_compilers_and_torch_define_what_they_do_on_a_platform(
    macro: str, platform: str, path: str, linked: Target, answer: str
) -> None:
    assert truth_in(Defined(macro), path, parse_platform(platform), linked) is WORDS[answer]
