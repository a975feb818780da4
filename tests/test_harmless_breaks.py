"""Which breaks the measurement of recall takes for harmless, by the text of the tree alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from checker.trees_on_disk import write_folder
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    import broken_text

TOOLS = Path(__file__).parents[1] / "tools"
IN_A_NAMESPACE = """namespace demo {
  int scale(int count) {
    return 2 * count;
  }

  int twice(int count) { return scale(scale(count)); }
}
"""
IN_A_CLASS = IN_A_NAMESPACE.replace("namespace demo", "class Demo : public Base")
AFTER_A_CLASS = f"struct Other {{ int count; }};\n{IN_A_NAMESPACE}"
KERNEL = """__global__ void scale(int* values) {
  values[0] = 1;
}

void scale(Tensor values) {
  scale<<<1, 1>>>(values);
}
"""


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(TOOLS), *sys.path])


def told(content: str) -> str:
    import broken_text  # noqa: PLC0415 -- the path is a fixture's
    import harmless  # noqa: PLC0415

    place = broken_text.definition_of(content, "scale")
    assert place is not None
    return harmless.told_by_its_compiler(content, "scale", *place)


@pytest.mark.parametrize("content", [IN_A_NAMESPACE, AFTER_A_CLASS])
def test_an_indented_function_of_a_namespace_can_hurt(content: str) -> None:
    assert not told(content)


def test_a_method_that_its_class_calls_is_told_by_the_compiler() -> None:
    assert told(IN_A_CLASS).startswith("a class of the file has the method and its caller")


def test_a_method_that_nothing_calls_behind_it_is_not() -> None:
    assert not told(IN_A_CLASS.replace("scale(scale(count))", "count"))


def test_a_kernel_beside_its_launcher_of_one_name_is_told_by_the_compiler() -> None:
    assert told(KERNEL).startswith("the kernel is launched in its own file alone")


@pytest.mark.parametrize(
    ("left", "is_harmless"),
    [
        ("void scale(int count);\n", True),
        ("void scale(int count);\nvoid run() { scale(1); }\n", False),
        ("int run() { return scale(1); }\n", False),
        ('void scale(int count);\nauto schema = "demo::scale(int count) -> ()";\n', True),
        ('#include "scale.h"\nvoid scale(int count);  // scale(1)\n/* scale */\n', True),
    ],
)
def test_what_is_only_declared_any_more_hurts_nobody(left: str, is_harmless: bool) -> None:
    import harmless  # noqa: PLC0415 -- the path is a fixture's

    assert bool(harmless.only_declared([left], "scale")) is is_harmless


HALVES = """#if NEW
int scale(int count) {
#else
int scale(long count) {
#endif
  return 2;
}
"""


def test_a_half_of_what_an_if_chooses_from_is_told_by_the_preprocessor() -> None:
    assert told(HALVES).startswith("an #if has no #endif any more")


def test_only_what_was_python_before_is_told_by_its_import() -> None:
    import harmless  # noqa: PLC0415 -- the path is a fixture's

    assert harmless.does_not_parse("x = 1\n", "x = (\n")
    assert not harmless.does_not_parse("x = 1\n", "x = 2\n")
    assert not harmless.does_not_parse("x = (\n", "x = [\n")


def test_a_name_in_a_docstring_is_read_by_nobody() -> None:
    import harmless  # noqa: PLC0415 -- the path is a fixture's

    content = (
        'def f():\n    """Calls\n    ops.scale.\n    """\n    name = "scale"\n    ops.scale()\n'
    )
    places = [content.index("ops.scale"), content.index('"scale"'), content.rindex("scale")]
    assert [bool(harmless.of_a_docstring(content, place)) for place in places] == [
        True,
        False,
        False,
    ]


def text_of(root: Path, files: dict[str, bytes]) -> broken_text.Text:
    import broken_text  # noqa: PLC0415 -- the path is a fixture's

    write_folder(root, files)
    return broken_text.Text(open_tree(root))


@pytest.mark.parametrize(
    ("other", "is_harmless"),
    [
        (b"// WITH_MTIA is set elsewhere\n#ifdef WITH_MTIA\n#endif\n", True),
        (b"#define WITH_MTIA 1\n", False),
    ],
)
def test_a_macro_that_nothing_but_tests_name_compiles_nothing(
    tmp_path: Path, other: bytes, *, is_harmless: bool
) -> None:
    import harmless  # noqa: PLC0415 -- the path is a fixture's

    text = text_of(tmp_path, {"a.cu": b"#if !defined(WITH_MTIA)\n#endif\n", "b.h": other})
    assert bool(harmless.only_tested(text, "a.cu", "WITH_MTIA")) is is_harmless
    assert bool(harmless.is_never_defined(text, "#if !defined(WITH_MTIA)")) is is_harmless
    assert not harmless.is_never_defined(text, "#ifdef WITH_MTIA")


def test_a_flag_of_a_build_defines_a_macro(tmp_path: Path) -> None:
    import harmless  # noqa: PLC0415 -- the path is a fixture's

    files = {"a.cu": b"#ifdef WITH_MTIA\n#endif\n", "setup.py": b'flags = ["-DWITH_MTIA"]\n'}
    assert not harmless.only_tested(text_of(tmp_path, files), "a.cu", "WITH_MTIA")


BOTH = b"""TORCH_LIBRARY(demo, m) {
  m.def("scale", scale);
}
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("scale", &scale);
}
"""


@pytest.mark.parametrize(
    ("read", "is_harmless"), [(b"torch.ops.demo.scale(x)\n", True), (b"_C.scale(x)\n", False)]
)
def test_what_python_reads_of_the_dispatcher_alone_needs_no_binding(
    tmp_path: Path, read: bytes, *, is_harmless: bool
) -> None:
    import harmless  # noqa: PLC0415 -- the path is a fixture's

    text = text_of(tmp_path, {"b.cpp": BOTH, "demo.py": read})
    of_torch, of_pybind = text.registered
    assert bool(harmless.bound_for_the_dispatcher(text, of_pybind)) is is_harmless
    assert not harmless.bound_for_the_dispatcher(text, of_torch)


@pytest.mark.parametrize(
    ("body", "is_harmless"),
    [
        ("    assert x.is_cuda, 'on a GPU'\n    kernels.scale(x)\n", True),
        ("    assert (\n        x.is_cuda and y.is_cuda\n    )\n    kernels.scale(x)\n", True),
        ("    assert x.is_contiguous()\n    kernels.scale(x)\n", False),
        ("    kernels.scale(x)\n    assert x.is_cuda\n", False),
    ],
)
def test_a_test_whose_branch_asserts_the_same_guards_nothing(body: str, is_harmless: bool) -> None:
    import harmless  # noqa: PLC0415 -- the path is a fixture's

    assert bool(harmless.asserts_the_same("if x.is_cuda:", body)) is is_harmless


WITH_A_FUNCTION = b"""TORCH_LIBRARY(demo, m) {
  m.def("scale", scale);
  m.def("turn(Tensor x) -> Tensor");
}
TORCH_LIBRARY_IMPL(demo, CUDA, m) {
  m.impl("scale", scale_cuda);
  m.impl("turn", turn_cuda);
}
"""


def test_an_operator_with_a_function_of_its_own_needs_no_implementation(tmp_path: Path) -> None:
    import harmless  # noqa: PLC0415 -- the path is a fixture's

    text = text_of(tmp_path, {"b.cpp": WITH_A_FUNCTION})
    spared = [each for each in text.registered if harmless.defined_with_a_function(text, each)]
    assert [(each.method, each.operator) for each in spared] == [("impl", "scale")]


def test_constructors_and_computed_names_are_no_registrations_to_break() -> None:
    import broken_text  # noqa: PLC0415 -- the path is a fixture's

    content = (
        "c.def(py::init<int>());\nc.def(name, &turn);\nm.def(SCHEMA, &fold);\n"
        'm.def(#op, &op);\nm.def("scale", &scale);\n'
    )
    found = [each.operator for each in broken_text.registrations("bindings.cpp", content)]
    assert found == ["SCHEMA", "scale"]
