"""What a build script computes is what Python computes, for all that such scripts are made of."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.platforms import Platform
from opparity.checker.languages.setup_py.reader import read_setup_scripts
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """
import copy, fnmatch, glob, itertools, json, os, sys
from os.path import join
from pathlib import Path
"""
FILES = {
    "csrc/a.cpp": "",
    "csrc/b.cu": "",
    "csrc/deep/c.cpp": "",
    "csrc/deep/d.cuh": "",
    "csrc/other/a.cpp": "",
    "lists/names.txt": "one\n# two\n\nthree \n",
    "lists/names.json": '{"cpu": ["x", "y"], "cuda": {"more": ["z"]}, "flag": true, "none": null}',
    "README": "",
}
EXPRESSIONS = r"""
["a" + "b"]
["a" * 3]
[str(7 // 2), str(7 % 4), str(7 - 9), str(-3), str(1 + 2 * 3)]
[str(7 / 2), str(int("12") + 1), str(float("1.5"))]
[str(1 < 2), str(2 < 1), str(1 <= 1), str(2 <= 1), str(2 > 1), str(1 > 1), str(1 >= 1), str(0 >= 1)]
[str(1 == 1), str(1 == 2), str("a" != "b"), str("a" != "a"), str(1 < 2 < 3), str(1 < 3 < 2)]
[str("a" in "cat"), str("x" in "cat"), str("x" not in "cat"), str("a" not in "cat")]
[str("a" in ["a", "b"]), str("c" in ["a", "b"]), str("c" not in ("a",)), str("a" in {"a": 1})]
[str(None is None), str("a" is None), str("a" is not None), str(None is not None)]
[str(True and False), str(True or False), str(not True), str(not ""), str(bool([])), str(bool([0]))]
["a" or "b", "" or "b", "a" and "b", ("" and "b") + "c"]
["yes" if 1 else "no", "yes" if 0 else "no", "yes" if "" else "none", "yes" if [0] else "none"]
["abc"[0], "abc"[-1], "abc"[1:], "abc"[:-1], "abcdef"[1:4], "abcdef"[::2], "abc"[::-1]]
[["a", "b", "c"][1], ["a", "b", "c"][-1], *["a", "b", "c"][1:], *("x", "y", "z")[:2]]
"a,b,c".split(",")
"a b  c".split()
"a,b,c".split(",", 1)
"a,b,c".rsplit(",", 1)
"one\ntwo\nthree".splitlines()
["-".join(["a", "b"]), "".join(("x", "y")), ", ".join(str(n) for n in range(3))]
["abc".upper(), "ABC".lower(), "abc".capitalize(), " ab ".strip(), "xabx".strip("x")]
["abcabc".replace("b", "x"), "  a".lstrip(), "a  ".rstrip()]
[str("abc".startswith("a")), str("abc".startswith("b")), str("abc".endswith(("b", "c")))]
[str("abc".startswith(("x", "a"))), str("abc".endswith("b"))]
[str("a1".isdigit()), str("1".isdigit())]
["{}-{}".format("a", 1), "{1}{0}".format("a", "b"), "%s_%d" % ("a", 3)]
["%s" % "alone", f"{'a'}-{1 + 1}"]
["abc".removeprefix("a"), "abc".removesuffix("c")]
[str("abc".find("c")), str("abc".find("x")), str("abcb".count("b"))]
[str(len("abc")), str(len([])), str(len({"a": 1}))]
[str(max(1, 3, 2)), str(min([4, 2])), str(sum([1, 2]))]
[*map(str, range(3)), *map(str, range(2, 5)), *map(str, range(6, 0, -2))]
[f"{i}{x}" for i, x in enumerate(["a", "b"])]
[f"{i}{x}" for i, x in enumerate(["a", "b"], 1)]
[a + b for a, b in zip(["a", "b", "c"], ["x", "y"])]
[a + b for a in "ab" for b in "xy"]
[a for a in ["a", "", "b"] if a]
[a + b for a in "ab" if a != "a" for b in "xy" if b != "y"]
[a + b for a, b in itertools.product(["a", "b"], ["x", "y"])]
[*itertools.chain(["a"], ("b",)), *itertools.chain.from_iterable([["c"], ["d"]])]
sum([["a"], ["b", "c"]], [])
sum((["a"], ["b"]), start=["z"])
list(filter(lambda x: x != "a", ["a", "b"]))
[*{"a": 1, "b": 2}, *{"c": 1}.keys()]
[k + str(v) for k, v in {"a": 1, "b": 2}.items()]
[str(v) for v in {"a": 1, "b": 2}.values()]
[{"a": "x"}["a"], {"a": "x"}.get("a"), {"a": "x"}.get("b", "y"), str({"a": "x"}.get("b"))]
[*{**{"a": 1}, "b": 2}, *dict(c=1, d=2)]
[*{k: v for k, v in [("a", 1), ("b", 2)] if v > 1}]
sorted({"a", "b"} | {"c"})
sorted({"a", "b"} - {"b"})
sorted({"a", "b"}.union(["c"]))
sorted({"a", "b"}.difference(["a"]))
sorted(set(["a", "a", "b"]))
[str(any([0, 1])), str(any([])), str(all([1, 1])), str(all([1, 0])), str(all([]))]
[str(any(x == "a" for x in "ab")), str(all(x == "a" for x in "ab"))]
[os.path.join("a", "b"), join("a", "b", "c.cpp")]
[os.path.basename("a/b.c"), os.path.dirname("a/b.c")]
[*os.path.splitext("a/b.cpp"), os.path.normpath("a/../b")]
[os.path.relpath("a/b", "a"), os.path.relpath("a/b"), "a" + os.sep + "b"]
[str(os.path.exists("csrc/a.cpp")), str(os.path.exists("csrc/none.cpp"))]
[str(os.path.isdir("csrc")), str(os.path.isdir("README"))]
[str(os.path.isfile("README")), str(os.path.isfile("csrc"))]
[str(Path("a") / "b"), str(Path("a", "b"))]
[Path("a/b.cpp").name, Path("a/b.cpp").stem, Path("a/b.cpp").suffix]
[str(Path("a/b.cpp").parent), Path("a/b.cpp").as_posix(), str(Path("a/b.cpp").with_suffix(".cu"))]
[str(Path("csrc").exists()), str(Path("csrc").is_dir())]
[str(Path("README").is_file()), str(Path("no").exists())]
sorted(glob.glob("csrc/*.cpp"))
sorted(glob.glob("csrc/**/*.cpp", recursive=True))
sorted(glob.glob(os.path.join("csrc", "*", "[a-c].c*")))
sorted(str(p) for p in Path("csrc").glob("*.cpp"))
sorted(str(p) for p in Path("csrc").glob("**/*.cpp"))
sorted(str(p) for p in Path("csrc").rglob("*.cpp"))
sorted(p.name for p in Path("csrc").iterdir() if p.is_file())
sorted(os.listdir("csrc"))
sorted(f for f in os.listdir("csrc") if f.endswith(".cpp"))
sorted(e.name for e in os.scandir("csrc") if e.is_file())
sorted(os.path.join(d, f) for d, _, fs in os.walk("csrc") for f in fs)
fnmatch.filter(["a.cpp", "b.cu"], "*.cpp")
[l.strip() for l in open("lists/names.txt") if l.strip() and not l.startswith("#")]
Path("lists/names.txt").read_text().split()
open("lists/names.txt").read().splitlines()
json.load(open("lists/names.json"))["cpu"] + json.load(open("lists/names.json"))["cuda"]["more"]
json.loads(Path("lists/names.json").read_text())["cpu"]
[str(json.loads('{"flag": true, "none": null, "n": 1}')[k]) for k in ("flag", "none", "n")]
[x.name for x in [Path("a.cpp")]]
[(lambda x, y="b": x + y)("a")]
[y := "a", y + "b"]
[str(1 if not None else 2), str((1, 2) == (1, 2))]
[str(0x10), str(1_000)]
""".strip().splitlines()
PROGRAMS = {
    "loops": """
out = []
for name in ["a", "b", "c", "d"]:
    if name == "b":
        continue
    if name == "d":
        break
    out.append(name)
else:
    out.append("never")
for name in ("x",):
    out += [name]
else:
    out.append("after")
""",
    "lists": """
out = ["a", "b", "c"]
out.extend(["x", "y"])
out.append("n")
out.remove("b")
other = out.copy()
other.append("not in out")
same = out
same.append("in out")
third = copy.deepcopy([out, ["w"]])
third[0].append("not in out either")
out += third[1]
out = out + ["t"]
""",
    "dictionaries": """
table = {"a": ["1"]}
table["b"] = ["2"]
table.update({"c": ["3"], "d": ["4"]})
table.setdefault("a", []).append("5")
table.setdefault("e", []).append("6")
out = [k + v for k, vs in table.items() for v in vs] + [str("f" in table), str("a" in table)]
other = table.copy()
other["z"] = ["7"]
out += list(other) + [str(len(table)), str(len(other))]
""",
    "functions": """
def make(name, rest=(), suffix="cpp"):
    if not name:
        return None
    for each in rest:
        name += each
    return name + "." + suffix
def outer():
    kept = []
    def inner(x):
        kept.append(x)
        return len(kept)
    inner("a"); inner("b")
    return kept
out = [make("a"), make("a", ["b", "c"]), make("a", suffix="cu"), str(make(""))] + outer()
out.append(make(*["x", "y"]))
""",
    "classes": """
class Base:
    kind = "base"
    def __init__(self, name, more=()):
        self.name = name
        self.more = list(more)
    def sources(self):
        return [self.kind + self.name] + self.more
    @property
    def label(self):
        return self.name + "!"
    @staticmethod
    def plain(x):
        return x + "s"
    @classmethod
    def of_class(cls, x):
        return cls(x)
class Derived(Base):
    kind = "derived"
    def sources(self):
        return super().sources() + [self.helper()]
    def helper(self):
        return "h" + self.name
out = Base("a").sources() + Derived("b", ["c"]).sources()
out += [Base("d").label, Base.plain("e"), Derived.of_class("f").kind, Derived("g").kind]
made = Derived("i"); made.name = "j"; made.more.append("k")
out += made.sources() + [getattr(made, "name")]
""",
    "exceptions": """
out = []
try:
    out.append("a")
except ImportError:
    out.append("never")
else:
    out.append("b")
finally:
    out.append("c")
try:
    import a_module_that_is_nowhere_at_all
except ImportError:
    pass
""",
    "unpacking": """
a, b = "x", "y"
(c, d), e = ("1", "2"), "3"
first, second = ["p", "q"]
a, b = b, a
out = [a, b, c, d, e, first, second]
n = m = "same"
out += [n, m]
x = 1
x += 2
x *= 3
x -= 1
out.append(str(x))
""",
    "branches": """
out = []
if 1 > 2:
    out.append("a")
elif "b" in "abc":
    out.append("b")
else:
    out.append("c")
if not out:
    out.append("d")
if out and len(out) == 1:
    out.append("e")
""",
    "files": """
with open("lists/names.txt") as stream:
    out = [line.strip() for line in stream if line.strip()]
with open(os.path.join("lists", "names.json"), "r") as stream:
    table = json.load(stream)
out += table["cpu"] + [str(table["flag"]), str(table["none"])]
for folder, folders, names in os.walk("csrc"):
    folders.sort()
    out += [os.path.join(folder, name) for name in sorted(names) if name.endswith(".cpp")]
""",
}


def computed(root: Path, program: str) -> list[str]:
    """Return what Python computes."""
    names: dict[str, list[str]] = {}
    here = os.getcwd()  # noqa: PTH109 -- as the next line
    os.chdir(root)
    try:
        exec(compile(HEAD + program, "setup.py", "exec"), names)  # noqa: S102 -- the tests' own
    finally:
        os.chdir(here)
    return names["out"]


def read(root: Path, program: str) -> list[str]:
    """Return what the checker reads, each text as a source of its own extension."""
    end = "\nfor text in out:\n    CUDAExtension('m' + text, ['sources/' + text + '.cpp'])\n"
    head = "from torch.utils.cpp_extension import CUDAExtension\n"
    (root / "setup.py").write_text(head + HEAD + program + end)
    builds = read_setup_scripts(open_tree(root), [Platform("cuda")])
    targets = [target for build in builds for target in build.targets]
    assert all(t.built is Truth.TRUE and t.is_complete is Truth.TRUE for t in targets)
    assert not any(build.problems for build in builds)
    return [target.name.removeprefix("m") for target in targets]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


# `"a" is None`, and files that Python closes when it likes.
@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_is_what_python_makes_of_it(root: Path, expression: str) -> None:
    program = f"out = list({expression})"
    wanted = list(dict.fromkeys(computed(root, program)))  # an extension of each is made once
    assert read(root, program) == wanted


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_does_what_python_does(root: Path, name: str) -> None:
    assert read(root, PROGRAMS[name]) == list(dict.fromkeys(computed(root, PROGRAMS[name])))
