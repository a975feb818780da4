"""Which build descriptions of a folder a platform uses, by their names."""

from __future__ import annotations

import pytest

from opparity.checker.analysis.dedicated_builds import without_foreign_builds
from opparity.checker.facts.builds import Build, Target
from opparity.checker.facts.places import Location


def build(description: str, platform: str) -> Build:
    """Return a build; a name in brackets is one that makes nothing."""
    path = description.strip("()")
    target = Target("_C", "module", (), Location(path, 1))
    return Build(path, platform, () if description.startswith("(") else (target,))


@pytest.mark.parametrize(
    ("descriptions", "platform", "used"),
    [
        ("setup.py setup_rocm.py", "rocm", "setup_rocm.py"),
        ("setup.py setup_rocm.py", "rocm:gfx942", "setup_rocm.py"),
        ("setup.py setup_rocm.py", "cuda", "setup.py"),
        ("setup.py setup_rocm.py", "cpu", "setup.py"),
        ("CMakeLists.txt setup_rocm.py", "rocm", "setup_rocm.py"),
        ("CMakeLists.txt setup.py", "cuda", "CMakeLists.txt setup.py"),
        ("setup.py setup_cpu.py", "cpu", "setup_cpu.py"),
        ("setup.py setup_cpu.py", "cuda", "setup.py"),
        # Who says CUDA may mean both; who says ROCm means one.
        ("setup.py setup_cuda.py", "cuda", "setup_cuda.py"),
        ("setup.py setup_cuda.py", "rocm", "setup_cuda.py"),
        ("setup_cuda.py setup_rocm.py", "rocm", "setup_rocm.py"),
        ("setup_cuda.py setup_rocm.py", "cuda", "setup_cuda.py"),
        ("setup.py setup_other.py", "cuda", "setup.py setup_other.py"),
        ("setup.py setup.cuda-12.py", "cpu", "setup.py"),
        ("setup.py a/setup_rocm.py", "rocm", "setup.py a/setup_rocm.py"),
        ("a/setup.py a/setup_rocm.py b/setup.py", "rocm", "a/setup_rocm.py b/setup.py"),
        # One that makes nothing takes nobody's place.
        ("setup.py (setup_rocm.py)", "rocm", "setup.py setup_rocm.py"),
        ("(setup.py) setup_rocm.py", "rocm", "setup_rocm.py"),
    ],
)
def test_a_platform_uses_the_descriptions_that_are_for_it(
    descriptions: str, platform: str, used: str
) -> None:
    builds = [build(each, platform) for each in descriptions.split()]
    assert [each.description for each in without_foreign_builds(builds)] == used.split()


def test_each_platform_has_its_own() -> None:
    builds = [build(name, of) for of in ("cuda", "rocm") for name in ("setup.py", "setup_rocm.py")]
    kept = [(each.description, each.platform) for each in without_foreign_builds(builds)]
    assert kept == [("setup.py", "cuda"), ("setup_rocm.py", "rocm")]
