"""Operators touched by Python, with the guards that stand around them, here and elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opparity.checker.facts.conditions import (
    UNDECIDED,
    Predicate,
    Truth,
    all_of,
    evaluate,
    truth_of,
)
from opparity.checker.facts.python import CallKind
from opparity.checker.languages.python import reader
from opparity.checker.languages.python.parsing import read_module
from opparity.checker.languages.python.reader import PythonReader
from opparity.checker.languages.workers import Workers
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from opparity.checker.facts.conditions import Atom, Condition
    from opparity.checker.facts.python import Call, Guard, PythonFile
    from opparity.checker.languages.python.parsing import Leads
    from opparity.checker.languages.python.records import ModuleFacts

IMPORTS = "import torch\nfrom pkg.platforms import current_platform\n"
LIBRARIES = frozenset({"_C"})


class On:
    """A process on a platform that has some operators."""

    def __init__(self, platform: str, *operators: str) -> None:
        self.platform = platform
        self.operators = operators

    def truth(self, atom: Atom) -> Truth:
        match atom:
            case Predicate("platform", (name,)):
                return truth_of(name == self.platform)
            case Predicate("hasattr", (name,)):
                return truth_of("::" not in name or name in self.operators)
            case _:
                return Truth.UNKNOWN


def files_of(root: Path, files: dict[str, str]) -> dict[str, PythonFile]:
    for path, text in {"pkg/__init__.py": "", **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    with Workers() as workers:
        return PythonReader(open_tree(root), workers).read(LIBRARIES, frozenset({"_ext"}))


def calls_of(root: Path, body: str) -> list[Call]:
    return list(files_of(root, {"pkg/m.py": IMPORTS + body})["pkg/m.py"].calls)


def runs(guards: Iterable[Guard], process: On) -> Truth:
    return all_of(evaluate(guard.condition, process) for guard in guards)


def own_guards(call: Call) -> tuple[Guard, ...]:
    """Return the guards without the one that says whether the module is imported."""
    return tuple(guard for guard in call.guards if guard.location.line > 1)


CALL = "torch.ops._C.op(x)"


@pytest.mark.parametrize(
    ("body", "cuda", "rocm"),
    [
        (f"def f(x):\n    if current_platform.is_cuda():\n        {CALL}", True, False),
        (f"def f(x):\n    if not current_platform.is_rocm():\n        {CALL}", True, False),
        (f"def f(x):\n    if current_platform.is_cuda_alike():\n        {CALL}", True, True),
        (f"def f(x):\n    if current_platform.is_rocm():\n        return\n    {CALL}", True, False),
        (
            f"def f(x):\n    if torch.version.hip:\n        raise ValueError\n    {CALL}",
            True,
            False,
        ),
        (f"def f(x):\n    assert torch.version.hip is None\n    {CALL}", True, False),
        (f"def f(x):\n    return current_platform.is_cuda() and {CALL}", True, False),
        (f"def f(x):\n    return current_platform.is_rocm() or {CALL}", True, False),
        (f"def f(x):\n    return {CALL} if torch.version.cuda else x", True, False),
        (f"def f(x):\n    return [{CALL} for _ in x if current_platform.is_cuda()]", True, False),
        (f"def f(x):\n    while current_platform.is_rocm():\n        {CALL}", False, True),
        (f"ON = current_platform.is_cuda()\ndef f(x):\n    if ON:\n        {CALL}", True, False),
        (
            (
                f"def ok():\n    if torch.version.hip:\n        return False\n    return True\n"
                f"def launch(x):\n    if ok():\n        {CALL}"
            ),
            True,
            False,
        ),
        (
            (
                f"def f(x):\n    use = hasattr(torch.ops._C, 'op') and current_platform.is_cuda()\n"
                f"    if use:\n        {CALL}"
            ),
            True,
            False,
        ),
        (f"def f(x):\n    if hasattr(torch.ops, '_C'):\n        {CALL}", True, True),
        (f"def f(x):\n    {CALL}", True, True),
    ],
)
def test_guards_decide_where_a_call_runs(
    tmp_path: Path, body: str, *, cuda: bool, rocm: bool
) -> None:
    (call,) = calls_of(tmp_path, body)
    assert runs(own_guards(call), On("cuda", "_C::op")) is truth_of(cuda)
    assert runs(own_guards(call), On("rocm")) is truth_of(rocm)


def test_the_trees_own_definition_of_a_predicate_is_believed(tmp_path: Path) -> None:
    platforms = """
class Platform:
    def is_cuda(self):
        return self._enum in (PlatformEnum.CUDA, PlatformEnum.ROCM)
"""
    body = f"def f(x):\n    if current_platform.is_cuda():\n        {CALL}"
    found = files_of(tmp_path, {"pkg/platforms.py": platforms, "pkg/m.py": IMPORTS + body})
    (call,) = found["pkg/m.py"].calls
    assert runs(own_guards(call), On("rocm")) is Truth.TRUE


def test_a_tensors_is_cuda_is_no_question_about_the_platform(tmp_path: Path) -> None:
    (call,) = calls_of(tmp_path, f"def f(x):\n    if x.is_cuda:\n        {CALL}")
    assert runs(own_guards(call), On("rocm")) is Truth.UNKNOWN


def test_kinds_overloads_and_arguments_are_told_apart(tmp_path: Path) -> None:
    body = """
from torch.library import register_fake
READ = torch.ops._C.op.default
@register_fake("_C::op")
def fake(x): ...
def f(x):
    torch.ops._C.op.out(x, 1, scale=2)
    torch.ops._C.op(*x)
    getattr(torch.ops._C, "named")
"""
    found = [
        (
            call.kind,
            call.operator,
            call.overload,
            call.at_import,
            call.argument_count,
            call.keywords,
        )
        for call in calls_of(tmp_path, body)
    ]
    assert found == [
        (CallKind.READ, "op", "default", True, -1, ()),
        (CallKind.REGISTER_FAKE, "op", "", True, -1, ()),
        (CallKind.CALL, "op", "out", False, 3, ("scale",)),
        (CallKind.CALL, "op", "", False, -1, ()),
        (CallKind.READ, "named", "", False, -1, ()),
    ]


def test_functions_of_an_imported_extension_are_operators_of_its_name(tmp_path: Path) -> None:
    body = "from pkg import _ext\ndef f(x):\n    _ext.norm_(x, 1)\n"
    (call,) = [c for c in calls_of(tmp_path, body) if c.kind is CallKind.CALL]
    assert (call.qualified, call.argument_count) == ("_ext::norm_", 2)


def test_getattr_of_an_extension_reads_a_name_of_it(tmp_path: Path) -> None:
    body = """
from pkg import _ext
def f(x, name):
    getattr(_ext, "norm_")(x)
    getattr(_ext, name)(x)
    getattr(_ext, "other", None)
"""
    found = [c for c in calls_of(tmp_path, body) if c.kind is not CallKind.IMPORT]
    assert [(c.kind, c.qualified, c.of_module) for c in found] == [
        (CallKind.READ, "_ext::norm_", True)
    ]


def test_a_function_is_guarded_where_it_is_stored(tmp_path: Path) -> None:
    body = f"""
TABLE = {{}}
def _f(x):
    {CALL}
if current_platform.is_cuda():
    TABLE["key"] = _f
"""
    found = files_of(tmp_path, {"pkg/m.py": IMPORTS + body})["pkg/m.py"]
    (call,) = found.calls
    assert runs(call.guards, On("cuda")) is Truth.TRUE
    assert runs(call.guards, On("rocm")) is Truth.FALSE
    (store,) = found.table_uses
    assert (store.is_store, store.key, store.function) == (True, "'key'", "_f")
    assert runs(store.guards, On("rocm")) is Truth.FALSE


def test_a_class_is_guarded_where_every_use_of_it_is(tmp_path: Path) -> None:
    files = {
        "pkg/m.py": f"import torch\nclass Fused:\n    def run(self, x):\n        {CALL}\n"
        f"def direct(x):\n    {CALL}\n",
        "pkg/user.py": "from pkg.m import Fused\nfrom pkg.platforms import current_platform\n"
        "def make():\n    if current_platform.is_cuda():\n        return Fused()\n",
    }
    inside = {call.inside: call for call in files_of(tmp_path, files)["pkg/m.py"].calls}
    assert runs(inside["Fused.run"].guards, On("rocm")) is Truth.FALSE
    assert runs(inside["direct"].guards, On("rocm")) is Truth.TRUE


def test_uses_of_a_wrapper_are_uses_of_its_operator(tmp_path: Path) -> None:
    files = {
        "pkg/ops.py": f"import torch\ndef wrapped(x):\n    {CALL}\n",
        "pkg/user.py": "from pkg import ops\nfrom pkg.platforms import current_platform\n"
        "def forward(x):\n    if current_platform.is_rocm():\n        ops.wrapped(x)\n",
    }
    (call,) = files_of(tmp_path, files)["pkg/user.py"].calls
    assert (call.qualified, call.through, call.location.line) == ("_C::op", "wrapped", 5)
    assert runs(call.guards, On("cuda")) is Truth.FALSE
    assert runs(call.guards, On("rocm")) is Truth.TRUE


@pytest.mark.parametrize(
    ("importer", "cuda", "rocm"),
    [
        ("from pkg import m\n", Truth.TRUE, Truth.TRUE),
        ("if current_platform.is_cuda():\n    from pkg import m\n", Truth.TRUE, Truth.FALSE),
        ("def late():\n    from pkg import m\n", Truth.UNKNOWN, Truth.UNKNOWN),
        (
            "def late():\n    if current_platform.is_rocm():\n        import pkg.m\n",
            Truth.FALSE,
            Truth.TRUE,
        ),
    ],
)
def test_what_a_module_reads_at_import_is_guarded_by_its_importers(
    tmp_path: Path, importer: str, cuda: Truth, rocm: Truth
) -> None:
    files = {
        "pkg/__init__.py": "from pkg import user\n",
        "pkg/user.py": "from pkg.platforms import current_platform\n" + importer,
        "pkg/m.py": "import torch\nOP = torch.ops._C.op.default\n",
    }
    (call,) = files_of(tmp_path, files)["pkg/m.py"].calls
    assert (runs(call.guards, On("cuda")), runs(call.guards, On("rocm"))) == (cuda, rocm)


def test_an_except_clause_that_handles_the_absence_is_seen(tmp_path: Path) -> None:
    body = f"""
def handled(x):
    try:
        {CALL}
    except AttributeError:
        pass
def raised_again(x):
    try:
        {CALL}
    except AttributeError:
        raise
"""
    caught = {
        call.inside: any(
            isinstance(guard.condition, Predicate) and guard.condition.name == "caught"
            for guard in call.guards
        )
        for call in calls_of(tmp_path, body)
    }
    assert caught == {"handled": True, "raised_again": False}


def test_tests_and_examples_are_not_shipped_code(tmp_path: Path) -> None:
    text = f"import torch\n{CALL}\n"
    files = {"tests/test_m.py": text, "examples/run.py": text, "pkg/m.py": text}
    assert set(files_of(tmp_path, files)) == {"pkg/m.py"}


@pytest.mark.parametrize(
    "text",
    [
        "def f(:\n",
        "x = " + "(" * 500,
        "x = " + "-" * 5000 + "1\n",
        "if x:\n    pass\n" + "elif x:\n    pass\n" * 4000,
        "\0",
        "def f(x):\n" + "    if x:\n        return\n" * 3000,
        "f = lambda: f() if f else f\nwhile f():\n    f = f",
    ],
    ids=range(7),
)
def test_hostile_files_are_named_or_read_and_others_are_read_all_the_same(
    tmp_path: Path, text: str
) -> None:
    files = {"pkg/bad.py": f"{text}\n# torch.ops._C\n", "pkg/m.py": f"import torch\n{CALL}\n"}
    found = files_of(tmp_path, files)
    assert [call.qualified for call in found["pkg/m.py"].calls] == ["_C::op"]
    assert "pkg/bad.py" not in found or found["pkg/bad.py"].problems


WORDS = ["if a:", "    torch.ops._C.op", "try:", "except E:", "def f():", "class A(B):", "else:"]
PIECES = [
    "    ",
    "return",
    "raise X",
    "\n",
    "A[k] = f",
    "x = is_cuda()",
    "not (a and b)",
    "with c:",
]


@given(st.lists(st.sampled_from([*WORDS, *PIECES]), max_size=30))
def test_any_arrangement_of_statements_is_read(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    text = "\n".join(lines) + "\n# torch.ops._C\n"
    found = files_of(root, {"pkg/m.py": text})
    for file in found.values():
        for call in file.calls:
            assert text.split("\n")[call.location.line - 1].strip().startswith("torch.ops")


@pytest.mark.parametrize(
    ("body", "is_decided"),
    [
        ("    use = is_cuda()\n    y = [use for use in x]\n", True),
        ("    use = is_cuda()\n    with x as use:\n        pass\n", False),
        ("    use = is_cuda()\n    for use, _ in x:\n        pass\n", False),
        ("    use = is_cuda()\n    if (use := x):\n        pass\n", False),
        ("    use = is_cuda()\n    match x:\n        case [use, *_]:\n            pass\n", False),
        ("    use = is_cuda()\n    match x:\n        case {**use}:\n            pass\n", False),
        (
            "    use = is_cuda()\n    try:\n        x()\n    except E as use:\n        pass\n",
            False,
        ),
        ("    use = is_cuda()\n    def use():\n        pass\n", False),
        ("    use = is_cuda()\n    del use\n", False),
        ("    use = is_cuda()\n    use: bool\n", False),
        ("    use = is_cuda()\n    if y:\n        use = True\n", False),
        ("    use = is_cuda()\n    while y:\n        use = True\n", False),
    ],
)
def test_what_else_may_give_a_guarded_name_a_value(
    tmp_path: Path, body: str, *, is_decided: bool
) -> None:
    text = f"def launch(x):\n  if x:\n{body}    if use:\n        {CALL}\n"
    (call,) = calls_of(tmp_path, text)
    told = runs(own_guards(call)[1:], On("rocm", "_C::op"))
    assert told is (Truth.FALSE if is_decided else Truth.UNKNOWN)


@pytest.mark.parametrize(
    ("body", "is_decided"),
    [
        ("    use = is_cuda()\n", True),
        ("    use = is_cuda()\n    y = x\n", True),
        ("    use = is_cuda()\n    if x:\n        use = True\n", False),
        ("    use = is_cuda()\n    for y in x:\n        use = True\n", False),
        ("    use = is_cuda()\n    if (use := x):\n        pass\n", False),
        ("    use = is_cuda()\n    use |= x\n", False),
    ],
)
@pytest.mark.parametrize("parameters", ["x", "x, use=None"])
def test_what_else_may_give_a_name_another_value_than_at_first(
    tmp_path: Path, body: str, parameters: str, *, is_decided: bool
) -> None:
    text = f"def launch({parameters}):\n{body}    if use:\n        {CALL}\n"
    (call,) = calls_of(tmp_path, text)
    told = runs(own_guards(call), On("rocm", "_C::op"))
    assert told is (Truth.FALSE if is_decided else Truth.UNKNOWN)


@pytest.mark.parametrize("extra", ["", "    Unrelated()\n"])
def test_an_import_inside_a_function_counts_whatever_is_made_of_the_name(
    tmp_path: Path, extra: str
) -> None:
    ops = 'import torch\n@torch.library.register_fake("_C::op")\ndef fake(x): ...\n'
    user = (
        f"{IMPORTS}def load():\n  if current_platform.is_rocm():\n    import pkg.ops as o\n{extra}"
    )
    found = files_of(tmp_path, {"pkg/ops.py": ops, "pkg/user.py": user})
    (call,) = found["pkg/ops.py"].calls
    assert runs(call.guards, On("cuda")) is Truth.FALSE


def test_a_table_that_is_filled_everywhere_has_nobody_read_for_it(tmp_path: Path) -> None:
    table = (
        f"import torch\n_NAMES = {{'a': 1}}\nclass Kind:\n    def name(self):\n"
        f"        return _NAMES[self.x]\ndef call(x):\n    {CALL}\n"
    )
    user = "from pkg.table import Kind\nKind()\n"
    assert read_for(tmp_path, {"pkg/table.py": table, "pkg/user.py": user}) == {"pkg/table.py"}
    stored = user.replace("Kind()", "from pkg import table\ntable._NAMES['b'] = 2\nKind()")
    assert "pkg/user.py" in read_for(tmp_path, {"pkg/table.py": table, "pkg/user.py": stored})


def read_for(root: Path, files: dict[str, str]) -> set[str]:
    """Return the files that are parsed."""
    read: set[str] = set()
    original = read_module

    def noted(path: str, content: bytes, leads: Leads) -> ModuleFacts:
        read.add(path)
        return original(path, content, leads)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "read_module", noted)
        files_of(root, files)
    return read


def test_a_function_of_an_extension_is_followed_to_who_calls_it_in_the_file(tmp_path: Path) -> None:
    text = (
        "import _ext as library\ndef _silu(x):\n    return library.silu(x)\n"
        "def activation(x, context):\n    y = x\n    return _silu(y)\n"
    )
    calls = files_of(tmp_path, {"pkg/m.py": text})["pkg/m.py"].calls
    assert [each.location.line for each in calls if each.through == "_silu"] == [6]


def test_a_variable_of_another_module_is_followed_to_where_it_is_given(tmp_path: Path) -> None:
    files = files_of(
        tmp_path,
        {
            "pkg/__init__.py": "",
            "pkg/flags.py": "import torch\nfrom pkg.platforms import current_platform\n"
            "ON_CUDA = current_platform.is_cuda()\nOPS = torch.ops._C\n",
            "pkg/passed.py": "from pkg.flags import ON_CUDA as HERE\nfrom torch.ops._C import x\n",
            "pkg/use.py": "import torch\nfrom pkg import flags\nfrom pkg.passed import HERE\n"
            "def f(x):\n    if HERE:\n        torch.ops._C.first(x)\n"
            "    if flags.ON_CUDA:\n        torch.ops._C.second(x)\n"
            "    if flags.MISSING:\n        torch.ops._C.third(x)\n",
        },
    )
    found = {call.operator: own_guards(call) for call in files["pkg/use.py"].calls}
    for operator in ("first", "second"):
        assert runs(found[operator], On("cuda")) is Truth.TRUE
        assert runs(found[operator], On("rocm")) is Truth.FALSE
    assert runs(found["third"], On("rocm")) is Truth.UNKNOWN


@pytest.mark.parametrize(
    ("length", "condition"),
    [
        (1, Predicate("platform", ("cuda",))),
        (5, Predicate("platform", ("cuda",))),
        (9, UNDECIDED),
    ],
)
def test_a_guard_is_followed_through_a_few_variables_and_open_behind_more(
    length: int, condition: Condition, tmp_path: Path
) -> None:
    steps = "".join(f"X{each} = X{each - 1}\n" for each in range(1, length))
    body = (
        f"X0 = current_platform.is_cuda()\n{steps}"
        f"def work(x):\n    if X{length - 1}:\n        torch.ops._C.silu(x)\n"
    )
    (call,) = calls_of(tmp_path, body)
    assert [guard.condition for guard in call.guards] == [condition]
