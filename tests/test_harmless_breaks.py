"""Which breaks the measurement of recall takes for harmless, by the text of the tree alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

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
    ],
)
def test_what_is_only_declared_any_more_hurts_nobody(left: str, is_harmless: bool) -> None:
    import harmless  # noqa: PLC0415 -- the path is a fixture's

    assert bool(harmless.only_declared([left], "scale")) is is_harmless
