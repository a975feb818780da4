"""Build scripts in Python: what they would build, by reading them."""

from __future__ import annotations

import glob
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opparity.checker.facts.conditions import Truth, truth_of
from opparity.checker.facts.platforms import Platform
from opparity.checker.languages.setup_py.reader import read_setup_scripts
from opparity.checker.languages.setup_py.tree_paths import TreeFiles, TreePaths
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from pathlib import Path

    from opparity.checker.facts.builds import Build, Target

HEAD = """
import glob, os
from pathlib import Path
import torch
from setuptools import Extension, setup
from torch.utils.cpp_extension import (
    CUDA_HOME, ROCM_HOME, BuildExtension, CppExtension, CUDAExtension, load
)
"""


def builds_of(
    root: Path, script: str, *platforms: str, files: tuple[str, ...] = ()
) -> dict[str, Build]:
    for path in files:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("")
    (root / "setup.py").write_text(HEAD + script)
    builds = read_setup_scripts(open_tree(root), [Platform(name) for name in platforms])
    return {build.platform: build for build in builds}


def sources_on(root: Path, script: str, platform: str, files: tuple[str, ...] = ()) -> set[str]:
    build = builds_of(root, script, platform, files=files)[platform]
    return {
        source.path
        for target in build.targets
        for source in target.sources
        if source.built is Truth.TRUE and target.built is Truth.TRUE
    }


def only_target(builds: dict[str, Build], platform: str) -> Target:
    (target,) = builds[platform].targets
    return target


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('["a.cpp"] + ["b.cu"]', {"a.cpp", "b.cu"}),
        ('[f"{name}.cpp" for name in ("a", "b") if name != "b"]', {"a.cpp"}),
        ('sorted({"a.cpp", "b.cu"} - {"b.cu"})', {"a.cpp"}),
        ('list(set(["a.cpp"]) | set(["b.cu"]))', {"a.cpp", "b.cu"}),
        (
            '[os.path.join("csrc", "a.cpp"), str(Path("csrc") / "b.cu")]',
            {"csrc/a.cpp", "csrc/b.cu"},
        ),
        ('["%s.cpp" % "a", "{}.cu".format("b")]', {"a.cpp", "b.cu"}),
        ('"a.cpp b.cu".split()', {"a.cpp", "b.cu"}),
        ('[*["a.cpp"], *("b.cu",)]', {"a.cpp", "b.cu"}),
        ('["a.cpp"] + (["b.cu"] if torch.version.cuda else ["c.hip"])', {"a.cpp", "b.cu"}),
        ('{"cuda": ["a.cpp"]}["cuda"] + {"x": 1}.get("y", ["b.cu"])', {"a.cpp", "b.cu"}),
        ('list(map(lambda name: name + ".cpp", ["a", "b"]))', {"a.cpp", "b.cpp"}),
        ('[s for s in ["a.cpp", "b.cu"] if s not in glob.glob("*.cu")]', {"a.cpp", "b.cu"}),
    ],
)
def test_expressions_that_make_source_lists(
    tmp_path: Path, expression: str, expected: set[str]
) -> None:
    script = f'setup(ext_modules=[CUDAExtension("m", {expression})])'
    assert sources_on(tmp_path, script, "cuda") == expected


def test_globs_see_the_tree_and_nothing_else(tmp_path: Path) -> None:
    files = ("csrc/a.cpp", "csrc/deep/b.cpp", "csrc/deep/c.cu", "other/d.cpp")
    script = """
sources = glob.glob("csrc/**/*.cpp", recursive=True) + glob.glob("csrc/*/*.cu")
setup(ext_modules=[CUDAExtension("m", sources)])
"""
    assert sources_on(tmp_path, script, "cuda", files) == {
        "csrc/a.cpp",
        "csrc/deep/b.cpp",
        "csrc/deep/c.cu",
    }


def test_each_platform_takes_its_own_branch(tmp_path: Path) -> None:
    script = """
define_macros = []
sources = ["bindings.cpp"]
extension = CppExtension
if torch.cuda.is_available() or os.getenv("FORCE_CUDA", "0") == "1":
    extension = CUDAExtension
    sources += ["kernel.cu"]
    if torch.version.hip is not None and ROCM_HOME is not None:
        define_macros += [("WITH_HIP", None)]
    define_macros.append(("WITH_CUDA", "1"))
elif os.getenv("FORCE_MLU", "0") == "1":
    define_macros += [("WITH_MLU", None)]
    sources += ["kernel.mlu"]
setup(ext_modules=[extension("m", sources, define_macros=define_macros)])
"""
    builds = builds_of(tmp_path, script, "cuda", "rocm", "mlu", "cpu")
    listed = {name: {s.path for s in only_target(builds, name).sources} for name in builds}
    assert listed == {
        "cuda": {"bindings.cpp", "kernel.cu"},
        "rocm": {"bindings.cpp", "kernel.cu"},
        "mlu": {"bindings.cpp", "kernel.mlu"},
        "cpu": {"bindings.cpp"},
    }
    macros = {name: {m.name for m in only_target(builds, name).macros} for name in builds}
    assert macros["cuda"] == {"WITH_CUDA"}
    assert macros["rocm"] >= {"WITH_CUDA", "WITH_HIP", "USE_ROCM", "__HIP_PLATFORM_AMD__"}
    assert macros["mlu"] == {"WITH_MLU"}
    assert macros["cpu"] == set()


def test_flags_reach_the_language_they_are_given_to(tmp_path: Path) -> None:
    script = """
flags = {"cxx": ["-O3", "-DFOR_CXX"], "nvcc": ["-DFOR_CUDA=2"]}
flags["nvcc"].extend(["-UREMOVED"])
setup(ext_modules=[CUDAExtension("m", ["a.cu"], extra_compile_args=flags)])
"""
    target = only_target(builds_of(tmp_path, script, "cuda"), "cuda")
    found = {m.name: (m.value, set(m.languages), m.removed) for m in target.macros}
    assert found == {
        "FOR_CXX": ("", {"CXX"}, False),
        "FOR_CUDA": ("2", {"CUDA", "HIP"}, False),
        "REMOVED": ("", {"CUDA", "HIP"}, True),
    }


def test_what_hangs_on_something_unknown_is_unknown_and_not_guessed(tmp_path: Path) -> None:
    script = """
import subprocess
sources = ["a.cpp"]
if subprocess.check_output(["nvidia-smi"]).decode().count("H100"):
    sources.append("hopper.cu")
setup(ext_modules=[CUDAExtension("m", sources)])
"""
    target = only_target(builds_of(tmp_path, script, "cuda"), "cuda")
    assert {s.path: s.built for s in target.sources} == {
        "a.cpp": Truth.TRUE,
        "hopper.cu": Truth.UNKNOWN,
    }


def test_versions_are_newer_than_every_threshold(tmp_path: Path) -> None:
    script = """
from packaging.version import Version
sources = ["a.cpp"]
if Version(torch.version.cuda) >= Version("12.8"):
    sources.append("blackwell.cu")
if int(torch.__version__.split(".")[0]) < 2:
    sources.append("ancient.cpp")
setup(ext_modules=[CUDAExtension("m", sources)])
"""
    assert sources_on(tmp_path, script, "cuda") == {"a.cpp", "blackwell.cu"}


def test_functions_methods_and_inheritance_are_followed(tmp_path: Path) -> None:
    script = """
class Lists:
    folder = "csrc"

    def sources(self):
        return [self.path("common.cpp")]

    def path(self, name):
        return os.path.join(self.folder, name)

class GpuLists(Lists):
    @property
    def kernels(self):
        return [self.path("kernel.cu")]

    def sources(self):
        if CUDA_HOME is None:
            return super().sources()
        return super().sources() + self.kernels

def get_extensions(name, *, extension=CppExtension):
    return [extension(name, GpuLists().sources())]

setup(ext_modules=get_extensions("m", extension=CUDAExtension))
"""
    assert sources_on(tmp_path, script, "cuda") == {"csrc/common.cpp", "csrc/kernel.cu"}
    assert sources_on(tmp_path, script, "rocm") == {"csrc/common.cpp"}


def test_a_script_reads_lists_from_other_modules_of_its_tree(tmp_path: Path) -> None:
    (tmp_path / "build_lists.py").write_text('SOURCES = ["a.cpp"]\nSOURCES.append("b.cu")\n')
    script = 'from build_lists import SOURCES\nsetup(ext_modules=[CUDAExtension("m", SOURCES)])'
    assert sources_on(tmp_path, script, "cuda") == {"a.cpp", "b.cu"}


def test_a_source_that_the_script_copies_is_the_file_it_is_copied_from(tmp_path: Path) -> None:
    script = """
import shutil
for name in ["api.cpp"]:
    shutil.copy(name, os.path.splitext(name)[0] + ".cu")
setup(ext_modules=[CUDAExtension("m", ["api.cu"])])
"""
    assert sources_on(tmp_path, script, "rocm", files=("api.cpp",)) == {"api.cpp"}


def test_nothing_of_the_script_is_executed(tmp_path: Path) -> None:
    script = f"""
open({str(tmp_path / "written")!r}, "w").write("executed")
os.system("touch {tmp_path / "touched"}")
exec("open({str(tmp_path / "written")!r}, 'w')")
setup(ext_modules=[CUDAExtension("m", ["a.cu"])])
"""
    assert sources_on(tmp_path, script, "cuda") == {"a.cu"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["setup.py"]


@pytest.mark.parametrize(
    "script",
    [
        "def f():\n    return f()\nf()",
        "while True:\n    pass",
        "x = ['a.cpp']\n" + "x = x + x\n" * 60,
        "x = 'a'\n" + "x = x * 900\n" * 60,
        "x = 'ab'\n" + "x = x.replace('b', x)\n" * 60,
        "'{:>999999999}'.format('x')",
        "'%999999999d' % 5",
        "x = [i for i in range(999) for j in range(999) for k in range(999)]",
        "x = " + "(" * 150 + "1" + ")" * 150,
        "x = " + " + ".join(["'a'"] * 5000),
        "x = " + "not " * 3000 + "1",
        "class A(A): pass\nA().sources()",
        "import setup\nfrom setup import *",
        "glob.glob('" + "**/" * 90 + "*')",
        "glob.glob('" + "*a" * 140 + "')",
        "x = {}\nx[x] = x\nx[[1]] = 2",
        "del os\nyield_ = lambda *a, **k: yield_(*a, **k)\nyield_()",
        "10 ** 10 ** 10",
    ],
    ids=range(18),
)
def test_hostile_scripts_end_and_keep_what_was_read_before(tmp_path: Path, script: str) -> None:
    first = 'setup(ext_modules=[CUDAExtension("m", ["a.cu"])])\n'
    build = builds_of(tmp_path, first + script, "cuda", files=("a" * 200 + ".cpp",))["cuda"]
    found = {source.path for target in build.targets for source in target.sources}
    assert found == {"a.cu"} or build.problems


@given(st.text(alphabet=" \n\t()[]{}:=+,.'\"abcdefif0123*%@", max_size=200))
def test_any_text_gives_builds_or_a_problem(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    root = tmp_path_factory.mktemp("tree")
    (root / "setup.py").write_text(text + "\nCUDAExtension(")
    for build in read_setup_scripts(open_tree(root), [Platform("cuda")]):
        assert build.problems


@given(
    st.lists(st.sampled_from(["a", "b.cu", "c.cpp", "deep"]), min_size=1, max_size=4),
    st.lists(st.sampled_from(["a", "*", "**", "*.cu", "?.cpp"]), min_size=1, max_size=4),
)
def test_globs_agree_with_the_file_system(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], pattern: list[str]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    file = root.joinpath(*parts)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("")
    files = frozenset({"/".join(parts)})
    seen = set(TreePaths(TreeFiles(files), "").glob("/".join(pattern), recursive=True))
    # Path.glob ends in folders where `**` stands last; scripts call glob.glob.
    real = set(glob.glob("/".join(pattern), root_dir=root, recursive=True))  # noqa: PTH207
    assert seen == {path for path in real if path in files}


LISTING = """
sources = ["a.cpp"]
if "9.0" in os.environ.get("TORCH_CUDA_ARCH_LIST", ""):
    sources.append("b.cu")
setup(ext_modules=[CUDAExtension("demo._C", sources)])
"""


@pytest.mark.parametrize(
    ("setting", "asked", "sources"),
    [
        ("", (), {"a.cpp"}),
        ("", ("9.0",), {"a.cpp", "b.cu"}),
        ("os.environ['TORCH_CUDA_ARCH_LIST'] = '8.0;9.0'", (), {"a.cpp", "b.cu"}),
        ("os.environ['TORCH_CUDA_ARCH_LIST'] = '8.0;8.6'", ("9.0",), {"a.cpp"}),
        ("os.environ.setdefault('TORCH_CUDA_ARCH_LIST', '8.0;9.0')", (), {"a.cpp", "b.cu"}),
        ("os.environ.setdefault('TORCH_CUDA_ARCH_LIST', '9.0')", ("8.0",), {"a.cpp"}),
        ("if ask():\n    os.environ['TORCH_CUDA_ARCH_LIST'] = '9.0'", ("8.0",), {"a.cpp"}),
    ],
)
def test_what_a_script_puts_into_its_environment_it_finds_there(
    setting: str, asked: tuple[str, ...], sources: set[str], tmp_path: Path
) -> None:
    for name in ("a.cpp", "b.cu"):
        (tmp_path / name).write_text("")
    (tmp_path / "setup.py").write_text(HEAD + setting + LISTING)
    (build,) = read_setup_scripts(open_tree(tmp_path), [Platform("cuda", asked)])
    (target,) = build.targets
    present = {each.path: each.built for each in target.sources}
    assert {path for path, built in present.items() if built is Truth.TRUE} == sources
    is_open = setting.startswith("if")
    assert present.get("b.cu", Truth.FALSE) is (
        Truth.UNKNOWN if is_open else truth_of("b.cu" in sources)
    )


@pytest.mark.parametrize(
    ("script", "architectures", "sources"),
    [
        (
            (
                "for flag in torch.utils.cpp_extension._get_cuda_arch_flags():\n"
                "    sources.append({'compute_90,code=sm_90': 'b.cu'}.get(flag[14:], 'c.cu'))\n"
            ),
            ("9.0",),
            {"a.cpp", "b.cu"},
        ),
        (
            (
                "if any('sm_100' in f for f in torch.utils.cpp_extension._get_cuda_arch_flags()):\n"
                "    sources.append('b.cu')\n"
            ),
            ("8.0", "10.0+PTX"),
            {"a.cpp", "b.cu"},
        ),
        (
            (
                "major, minor = torch.cuda.get_device_capability()\n"
                "if (major, minor) == (9, 0):\n    sources.append('b.cu')\n"
            ),
            ("8.6", "9.0", "9"),
            {"a.cpp", "b.cu"},
        ),
        (
            "if torch.cuda.get_device_properties(0).minor == 6:\n    sources.append('b.cu')\n",
            ("8.6", "native"),
            {"a.cpp", "b.cu"},
        ),
        (
            (
                "try:\n    raise RuntimeError('no')\n"
                "except RuntimeError:\n    sources.append('b.cu')\n"
                "else:\n    sources.append('c.cu')\n"
            ),
            (),
            {"a.cpp", "b.cu"},
        ),
        (
            "try:\n    sources.append('b.cu')\nfinally:\n    sources.append('c.cu')\n",
            (),
            {"a.cpp", "b.cu", "c.cu"},
        ),
    ],
)
def test_a_script_that_asks_for_architectures_or_fails_takes_its_branch(
    script: str, architectures: tuple[str, ...], sources: set[str], tmp_path: Path
) -> None:
    for name in ("a.cpp", "b.cu", "c.cu"):
        (tmp_path / name).write_text("")
    text = f"sources = ['a.cpp']\n{script}"
    text += 'setup(ext_modules=[CUDAExtension("demo._C", sources)])\n'
    (tmp_path / "setup.py").write_text(HEAD + text)
    (build,) = read_setup_scripts(open_tree(tmp_path), [Platform("cuda", architectures)])
    (target,) = build.targets
    assert {each.path: each.built for each in target.sources} == dict.fromkeys(sources, Truth.TRUE)


def test_a_count_of_what_is_not_known_decides_nothing(tmp_path: Path) -> None:
    for name in ("a.cpp", "b.cu"):
        (tmp_path / name).write_text("")
    text = "sources = ['a.cpp']\nif len(ask()) > 1:\n    sources.append('b.cu')\n"
    target = only_target(
        builds_of(tmp_path, text + "setup(ext_modules=[CUDAExtension('_C', sources)])\n", "cuda"),
        "cuda",
    )
    assert {each.path: each.built for each in target.sources} == {
        "a.cpp": Truth.TRUE,
        "b.cu": Truth.UNKNOWN,
    }
