"""What of a build script stays known although a branch, a key or a loop is not decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from opparity.checker.facts.builds import UNKNOWN_PART
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.platforms import Platform
from opparity.checker.languages.setup_py.reader import read_setup_scripts
from opparity.checker.tree.opening import open_tree
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from opparity.checker.facts.builds import Build

HEAD = """
import os, sys
import torch
from torch.utils.cpp_extension import CUDA_HOME, CppExtension, CUDAExtension
"""


def read(
    root: Path, script: str, platform: str = "cuda", others: Mapping[str, str] | None = None
) -> list[Build]:
    for path in ("a.cpp", "b.cu", "c.cpp"):
        (root / path).write_text("")
    for path, text in (others or {}).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "setup.py").write_text(HEAD + script)
    return list(read_setup_scripts(open_tree(root), [Platform(platform)]))


def presence(builds: list[Build]) -> dict[str, tuple[Truth, Truth]]:
    """Return source -> (whether its target is built, whether it is in the target)."""
    return {
        source.path: (target.built, source.built)
        for build in builds
        for target in build.targets
        for source in target.sources
    }


def test_a_path_of_none_is_open_and_no_folder_of_that_name(tmp_path: Path) -> None:
    # As of an environment variable, by whose path those build who set it.
    script = (
        "from pathlib import Path\n"
        "root = os.environ.get('DEMO_ROOT') if len(sys.argv) > 9 else None\n"
        "CppExtension('_C', ['a.cpp', str(Path(None, 'b.cu')), str(Path(root) / 'c.cpp')])\n"
    )
    (build,) = read(tmp_path, script)
    (target,) = build.targets
    assert [source.path for source in target.sources] == ["a.cpp"]
    assert target.is_complete is Truth.UNKNOWN


def test_a_loop_that_breaks_on_something_unknown_may_skip_its_else(tmp_path: Path) -> None:
    script = (
        "for name in ['openblas', 'mkl']:\n"
        "    if name in os.listdir('/usr/lib'):\n"
        "        break\n"
        "else:\n"
        "    raise ImportError('no BLAS')\n"
        "CppExtension('_C', ['a.cpp'])\n"
    )
    assert presence(read(tmp_path, script)) == {"a.cpp": (Truth.TRUE, Truth.TRUE)}


def test_a_loop_that_surely_breaks_takes_no_later_element(tmp_path: Path) -> None:
    script = (
        "sources = []\n"
        "for name in ['a.cpp', 'c.cpp']:\n"
        "    sources.append(name)\n"
        "    if name == 'a.cpp':\n"
        "        break\n"
        "else:\n"
        "    sources.append('b.cu')\n"
        "CppExtension('_C', sources)\n"
    )
    assert presence(read(tmp_path, script)) == {"a.cpp": (Truth.TRUE, Truth.TRUE)}


def test_an_unknown_key_gives_every_entry_a_chance(tmp_path: Path) -> None:
    script = (
        "kind = 'cpu' if sys.argv[1] == 'cpu' else 'gpu'\n"
        "SETS = {'cpu': [CppExtension, ['a.cpp']], 'gpu': [CUDAExtension, ['b.cu']]}\n"
        "SETS[kind][0]('_C', SETS[kind][1])\n"
    )
    found = presence(read(tmp_path, script))
    assert set(found) == {"a.cpp", "b.cu"}
    assert {built for built, _ in found.values()} == {Truth.UNKNOWN}


@pytest.mark.parametrize("line", ["sys.argv", "sys.argv[1:]", "option(sys.argv)[1]"])
def test_an_option_of_the_command_line_is_not_given(tmp_path: Path, line: str) -> None:
    script = (
        "def option(words):\n"
        "    given = '--cpu_only' in words\n"
        "    if given:\n"
        "        words.remove('--cpu_only')\n"
        "    return given, words\n"
        f"kind = 'cpu' if '--cpu_only' in {line} else 'gpu'\n"
        "SETS = {'cpu': [CppExtension, ['a.cpp']], 'gpu': [CUDAExtension, ['b.cu']]}\n"
        "SETS[kind][0]('_C', SETS[kind][1])\n"
    )
    assert presence(read(tmp_path, script)) == {"b.cu": (Truth.TRUE, Truth.TRUE)}


def test_what_only_an_option_builds_is_built_where_there_is_nothing_else(tmp_path: Path) -> None:
    asked = "if '--cuda_ext' in sys.argv:\n    CUDAExtension('demo_cuda', ['b.cu'])\n"
    assert presence(read(tmp_path, asked)) == {"b.cu": (Truth.TRUE, Truth.TRUE)}
    always = "CppExtension('demo', ['a.cpp'])\n"
    assert presence(read(tmp_path, asked + always)) == {
        "a.cpp": (Truth.TRUE, Truth.TRUE),
        "b.cu": (Truth.UNKNOWN, Truth.TRUE),
    }
    less = "if '--no_cuda' in sys.argv:\n    CppExtension('_C', ['c.cpp'])\n"
    assert presence(read(tmp_path, less + always)) == {"a.cpp": (Truth.TRUE, Truth.TRUE)}


@pytest.mark.parametrize("make", ["[]", "list()", "list(['c.cpp'])"])
def test_a_list_made_in_an_undecided_branch_is_as_sure_as_its_extension(
    tmp_path: Path, make: str
) -> None:
    script = (
        "def collect():\n"
        f"    found = {make}\n"
        "    for name in ('a.cpp', 'b.cu'):\n"
        "        found.append(name)\n"
        "    return found\n"
        "if 'torch' in os.environ.get('FRAMEWORKS', sys.argv[1]):\n"
        "    CUDAExtension('_C', collect())\n"
    )
    found = presence(read(tmp_path, script))
    assert found["a.cpp"] == found["b.cu"] == (Truth.UNKNOWN, Truth.TRUE)


def test_what_an_undecided_branch_adds_to_an_outer_list_is_not_sure(tmp_path: Path) -> None:
    script = (
        "sources = ['a.cpp']\n"
        "if len(sys.argv) > 2:\n"
        "    sources.append('b.cu')\n"
        "CUDAExtension('_C', sources)\n"
    )
    assert presence(read(tmp_path, script)) == {
        "a.cpp": (Truth.TRUE, Truth.TRUE),
        "b.cu": (Truth.TRUE, Truth.UNKNOWN),
    }


def test_of_two_paths_the_one_that_exists_is_meant(tmp_path: Path) -> None:
    script = (
        "prefix = 'kernels' if os.path.isdir(sys.argv[1]) else '../kernels'\n"
        "sources = [os.path.join(prefix, name) for name in ['d.cpp']]\n"
        "CppExtension('_C', [each for each in sources if len(each) > 0])\n"
    )
    builds = read(tmp_path, script, others={"kernels/d.cpp": ""})
    assert presence(builds) == {"kernels/d.cpp": (Truth.TRUE, Truth.TRUE)}


def test_what_needs_a_toolkit_that_is_not_there_ends_the_build(tmp_path: Path) -> None:
    script = (
        "import subprocess\n"
        "def nvcc_version(home):\n"
        "    return subprocess.check_output([home + '/bin/nvcc', '-V'])\n"
        "nvcc_version(CUDA_HOME)\n"
        "CUDAExtension('_C', ['b.cu'])\n"
    )
    assert set(presence(read(tmp_path, script, "cuda"))) == {"b.cu"}
    assert not presence(read(tmp_path, script, "rocm"))


def test_a_function_that_raises_for_a_presumed_version_ends_itself_alone(tmp_path: Path) -> None:
    script = (
        "def check():\n"
        "    if torch.version.cuda != sys.argv[1]:\n"
        "        raise RuntimeError('other versions')\n"
        "check()\n"
        "CUDAExtension('_C', ['b.cu'])\n"
    )
    assert set(presence(read(tmp_path, script))) == {"b.cu"}


@pytest.mark.parametrize(("platform", "expected"), [("cpu", "a.cpp"), ("musa", "c.cpp")])
def test_torch_has_a_vendors_device_only_with_the_vendors_package(
    tmp_path: Path, platform: str, expected: str
) -> None:
    script = (
        "if hasattr(torch, 'musa'):\n"
        "    from torch_musa.utils.musa_extension import MUSAExtension\n"
        "    MUSAExtension('_C', ['c.cpp'])\n"
        "else:\n"
        "    CppExtension('_C', ['a.cpp'])\n"
    )
    assert set(presence(read(tmp_path, script, platform))) == {expected}


def test_the_copy_that_is_surely_built_is_kept(tmp_path: Path) -> None:
    script = "if 'torch' in sys.argv:\n    CppExtension('demo_C', ['python/d.cpp'])\n"
    inner = HEAD + "CppExtension('demo_C', ['d.cpp'])\n"
    builds = read(tmp_path, script, others={"python/setup.py": inner, "python/d.cpp": ""})
    assert presence(builds) == {"python/d.cpp": (Truth.TRUE, Truth.TRUE)}


def test_an_extension_whose_sources_are_not_known_is_said(tmp_path: Path) -> None:
    builds = read(tmp_path, "sys.exit('not here')\nCppExtension('_C', ['a.cpp'])\n")
    (problem,) = (problem for build in builds for problem in build.problems)
    assert (problem.location.path, problem.location.line) == ("setup.py", 6)
    assert "could not be worked out" in english(problem.reason)


@pytest.mark.parametrize(
    ("sources", "is_whole"),
    [
        ("['a.cpp', somebodys()]", False),
        ("['a.cpp', *somebodys()]", False),
        ("['a.cpp', ['c.cpp', somebodys()]]", False),
        ("['a.cpp'] + [each for each in ['c.cpp', *somebodys()]]", False),
        ("['a.cpp'] + [each for each in somebodys()]", False),
        ("['a.cpp'] + list(map(str, somebodys()))", False),
        ("['a.cpp', 'c.cpp' if somebodys() else somebodys()]", False),
        ("collected('a.cpp', somebodys())", False),
        ("collected('a.cpp', *somebodys())", False),
        ("collected('a.cpp', **somebodys())", False),
        ("looped(['a.cpp', *somebodys()])", False),
        ("looped(somebodys()) + ['a.cpp']", False),
        ("['a.cpp', 'c.cpp' if somebodys() else 'b.cu']", True),
        ("['a.cpp'] + (['c.cpp'] if somebodys() else [])", True),
        ("collected('a.cpp', 'c.cpp', last='b.cu')", True),
        ("collected('a.cpp', **{'last': 'c.cpp'})", True),
        ("looped(['a.cpp', 'c.cpp'])", True),
        ("[each for each in ['a.cpp', 'c.cpp'] if somebodys()]", True),
    ],
)
def test_a_list_is_whole_where_each_element_is_known(
    tmp_path: Path, sources: str, is_whole: bool
) -> None:
    script = (
        "def collected(first, *others, last='b.cu'):\n"
        "    return [first, *others, last]\n"
        "def looped(over):\n"
        "    found = []\n"
        "    for each in over:\n"
        "        found.append(each)\n"
        "    return found\n"
        f"CUDAExtension('_C', {sources})\n"
    )
    (target,) = (target for build in read(tmp_path, script) for target in build.targets)
    assert target.is_complete is (Truth.TRUE if is_whole else Truth.UNKNOWN)
    assert "a.cpp" in {source.path for source in target.sources}


@pytest.mark.parametrize(
    "made",
    [
        "for each in ['a', *somebodys()]:\n    CUDAExtension(each, [each + '.cpp'])\n",
        "[CUDAExtension(each, [each + '.cpp']) for each in ['a', *somebodys()]]\n",
        "{each: CUDAExtension(each, [each + '.cpp']) for each in ['a', *somebodys()]}\n",
        "list(map(lambda each: CUDAExtension(each, [each + '.cpp']), ['a', *somebodys()]))\n",
        "[CUDAExtension(x, [x + '.cpp']) for all in [['a'], somebodys()] for x in all]\n",
        "CUDAExtension('a', ['a.cpp'])\nfor x in somebodys():\n    CUDAExtension(x, [x])\n",
        "CUDAExtension('a', ['a.cpp'])\n[CUDAExtension(x, [x + '.cpp']) for x in somebodys()]\n",
    ],
)
def test_what_elements_that_are_not_known_make_is_open(tmp_path: Path, made: str) -> None:
    targets = [target for build in read(tmp_path, made) for target in build.targets]
    assert [(each.name, each.built, each.is_complete) for each in targets] == [
        ("a", Truth.TRUE, Truth.TRUE),
        (UNKNOWN_PART, Truth.UNKNOWN, Truth.UNKNOWN),
    ]


def test_what_an_undecided_condition_of_a_comprehension_makes_is_open(tmp_path: Path) -> None:
    script = (
        "[CUDAExtension(each, [each + '.cpp']) for each in ['a', 'c'] if each == sys.argv[1]]\n"
    )
    assert presence(read(tmp_path, script)) == {
        "a.cpp": (Truth.UNKNOWN, Truth.TRUE),
        "c.cpp": (Truth.UNKNOWN, Truth.TRUE),
    }


@pytest.mark.parametrize(
    ("default", "off"),
    [
        ("1", "0"),
        ("ON", "OFF"),
        ("on", "off"),
        ("TRUE", "FALSE"),
        ("True", "false"),
        ("yes", "no"),
    ],
)
def test_the_cpu_has_a_switch_of_the_gpu_off_in_the_words_of_its_default(
    default: str, off: str, tmp_path: Path
) -> None:
    script = (
        f"asked = os.getenv('USE_CUDA', '{default}')\n"
        f"if asked == '{off}':\n    CppExtension('_C', ['a.cpp'])\n"
        f"if asked == '{default}':\n    CppExtension('_D', ['c.cpp'])\n"
    )
    assert presence(read(tmp_path, script, "cpu")) == {"a.cpp": (Truth.TRUE, Truth.TRUE)}
    assert presence(read(tmp_path, script, "cuda")) == {"c.cpp": (Truth.TRUE, Truth.TRUE)}
