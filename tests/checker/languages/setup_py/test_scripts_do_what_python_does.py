"""What a build script computes is what Python computes, for all that such scripts are made of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.platforms import Platform
from opparity.checker.languages.setup_py.reader import read_setup_scripts
from opparity.checker.tree.opening import open_tree

HEAD = """
import copy, fnmatch, glob, importlib.util, itertools, json, os, runpy, sys
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
    "helper.py": "names = ['h1', 'h2']\ndef given(x='d'):\n    return [x, *names]\n",
}
# One a line.
EXPRESSIONS = Path(__file__).with_name("expressions.txt").read_text().splitlines()
PROGRAMS = {
    "orders": """
names = ["c", "a"]
names.insert(0, "x")
names.insert(-1, "y")
names.insert(9, "z")
out = [names[0], names[2], "-".join(names)]
names.sort()
out += [names[0] + "first", names[-1] + "last"]
names.sort(reverse=True)
names.reverse()
out += [names[1] + "second"] + [name + "s" for name in names[1:3]]
out += [list(reversed(names))[0] + "r", sorted({"q": 1, "p": 2})[0]]
""",
    "names of others": """
x = "a"
count = 0
def f():
    global x, count
    x = "b"
    count += 1
    return x + "f"
out = [x, f(), x, f()]
def outer():
    y = "1"
    def inner():
        nonlocal y
        y = "2"
    inner()
    return y + "outer"
out += [outer(), str(count)]
""",
    "what is taken out of tables": """
table = {"a": ["1"], "b": ["2"]}
out = list(table.pop("a")) + list(table) + [str("a" in table), str(len(table))]
out += table.pop("none", ["default"])
""",
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
    "arguments": """
def make(name, *rest, version="1", description="", **more):
    return [name + version + description, *rest, *sorted(more)]
out = make("a") + make("b", version="2") + make("c", "d", "e", description="!", url="u")
out += make("f", **{"version": "3", "classifiers": "x"})
given = dict(version="4")
out += make(*["g", "h"], **given) + make("i", **{**given, "version": "5"})
class Made:
    def __init__(self, first, second="s", *others):
        self.names = [first, second, *others]
out += Made("j").names + Made("k", "l", "m", "n").names + Made("o", second="p").names
""",
    "modules": """
spec = importlib.util.spec_from_file_location("helper_by_path", "helper.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
out = module.names + module.given() + module.given("x")
found = runpy.run_path("helper.py")
out += [name + "!" for name in found["names"]]
""",
    "loops in loops": """
out = []
for x in ["a", "b", "c"]:
    for y in ["1", "2", "3"]:
        if y == "2":
            continue
        if x == "b":
            break
        out.append(x + y)
""",
    "early returns": """
def kind(x):
    if x.startswith("a"):
        return "first"
    elif x.startswith("b"):
        if x.endswith("!"):
            return "loud"
        return "second"
    for each in "xyz":
        if each == x:
            return "found " + each
    return "none"
out = [kind(x) for x in ("a", "b", "b!", "y", "q")]
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
