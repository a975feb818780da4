"""When a name as it is written can mean a function of the tree."""

from __future__ import annotations

import pytest

from opparity.checker.analysis.wanted import names
from opparity.checker.languages.cpp.reader import read_native_text


@pytest.mark.parametrize(
    ("symbol", "is_meant"),
    [
        ("repack", True),
        ("moe::repack", True),
        ("vllm::moe::repack", True),
        ("vllm::repack", True),
        ("moe::vllm::repack", False),
        ("moe::other", False),
    ],
)
def test_a_namespace_in_capitals_may_be_any(symbol: str, *, is_meant: bool) -> None:
    text = "namespace vllm { namespace MOE_NAMESPACE {\nint repack(int x) { return x; }\n}}\n"
    (definition,) = read_native_text("a.cu", text).definitions
    assert names(symbol, definition) is is_meant


def test_a_namespace_in_small_letters_is_that_one() -> None:
    (definition,) = read_native_text(
        "a.cu", "namespace vllm { int f(int x) { return x; } }"
    ).definitions
    assert not names("moe::f", definition)
