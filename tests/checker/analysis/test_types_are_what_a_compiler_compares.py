"""Two spellings are one type where g++ says so: every pair of a list of parameters' types."""

from __future__ import annotations

import subprocess
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

import pytest

from opparity.checker.analysis.types import (
    canonical,
    category,
    refused_by_torch,
    returned_categories,
    same_type,
    schema_returned_category,
)

if TYPE_CHECKING:
    from pathlib import Path

PRELUDE = """
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <type_traits>
namespace c10 { template <typename T> struct ArrayRef; template <typename T> struct optional; }
namespace at { struct Tensor; using TensorList = c10::ArrayRef<Tensor>;
               using IntArrayRef = c10::ArrayRef<int64_t>; using c10::ArrayRef; }
namespace torch { using namespace at; using c10::optional; namespace stable { using at::Tensor; } }
using at::Tensor;
"""
# Kinds of type that texts can tell apart: tensors, numbers, strings, and what points to them.
SPELLINGS = """
at::Tensor
torch::Tensor
torch::stable::Tensor
const at::Tensor
const Tensor&
Tensor const &
at::Tensor&
Tensor &&
Tensor*
const Tensor *
const Tensor * const
int
int32_t
signed int
const int
int&
const int&
int const&
int*
const int*
int const *
int**
int64_t
long
std::int64_t
long*
const int64_t*
unsigned
unsigned int
uint32_t
size_t
unsigned long
uint64_t
std::size_t
int8_t
int16_t
double
const double
double*
const double*
float
float&
bool
bool*
std::string
const std::string&
std::string_view
char*
const char*
void*
const void*
void**
""".strip().splitlines()
# Of other kinds the spellings may differ, and nobody says that the types do.
SAME = [
    ("at::IntArrayRef", "c10::ArrayRef<int64_t>"),
    ("at::IntArrayRef", "at::ArrayRef<long>"),
    ("at::TensorList", "c10::ArrayRef<at::Tensor>"),
    ("c10::optional<at::Tensor>", "torch::optional<Tensor>"),
    ("const c10::optional<at::Tensor>&", "c10::optional<Tensor> const &"),
]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], bool]:
    """Return what g++ says of each pair."""
    root: Path = tmp_path_factory.mktemp("types")
    pairs = [*combinations_with_replacement(SPELLINGS, 2), *SAME]
    lines = [f"putchar('0' + std::is_same_v<void({one}), void({other})>);" for one, other in pairs]
    (root / "x.cpp").write_text(f"{PRELUDE}int main() {{\n" + "\n".join(lines) + "\n}\n")
    subprocess.run(["g++", "-std=c++20", "-O0", "x.cpp", "-o", "x"], cwd=root, check=True)
    done = subprocess.run([root / "x"], capture_output=True, text=True, check=True)
    return dict(zip(pairs, (answer == "1" for answer in done.stdout), strict=True))


def test_spellings_of_known_kinds_are_told_apart_as_the_compiler_does(
    compared: dict[tuple[str, str], bool],
) -> None:
    wrong = [
        (one, other, canonical(one), canonical(other), is_same)
        for (one, other), is_same in compared.items()
        if same_type(one, other) is not is_same
    ]
    assert not wrong
    assert sum(compared.values()) > len(SPELLINGS)
    assert all(compared[pair] for pair in SAME)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_aliases_are_one_type_in_every_spelling(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("at::Tensor", "Tensor"),
        ("const torch::Tensor&", "Tensor"),
        ("Tensor &", "Tensor"),
        ("int64_t", "int"),
        ("const long", "int"),
        ("c10::SymInt", "int"),
        ("unsigned int", "int"),
        ("size_t", "int"),
        ("int8_t", "int"),
        ("double", "float"),
        ("const float&", "float"),
        ("bool", "bool"),
        ("std::string", "str"),
        ("const std::string&", "str"),
        ("c10::string_view", "str"),
        ("const char*", "str"),
        ("Tensor*", ""),
        ("int*", ""),
        ("std::optional<at::Tensor>", ""),
        ("at::IntArrayRef", ""),
        ("TensorList", ""),
        ("at::Scalar", ""),
        ("void*", ""),
    ],
)
def test_a_parameter_has_the_kind_that_a_schema_gives_it(text: str, kind: str) -> None:
    assert category(text) == kind


@pytest.mark.parametrize(
    ("text", "categories"),
    [
        ("void", ()),
        ("at::Tensor&", ("Tensor",)),
        ("const torch::Tensor &", ("Tensor",)),
        ("int64_t", ("int",)),
        ("std::vector<at::Tensor>", ("Tensor[]",)),
        ("std::tuple<at::Tensor, std::vector<int64_t>, double>", ("Tensor", "int[]", "float")),
        ("::std::tuple<at::Tensor, at::Tensor>", None),
        ("std::tuple<at::Tensor, Extra>", None),
        ("std::vector<std::vector<at::Tensor>>", None),
        ("std::optional<at::Tensor>", None),
        ("auto", None),
        ("", None),
    ],
)
def test_only_what_is_known_of_all_that_is_returned_counts(
    text: str, categories: tuple[str, ...] | None
) -> None:
    assert returned_categories(text) == categories


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("Tensor", "Tensor"),
        ("Tensor(a!)", "Tensor"),
        ("Tensor(a)[]", "Tensor[]"),
        ("float[]", "float[]"),
        ("int[2]", ""),
        ("Tensor?", ""),
        ("Tensor?[]", ""),
    ],
)
def test_a_schemas_result_is_a_plain_type_or_a_list_of_one(text: str, known: str) -> None:
    assert schema_returned_category(text) == known


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("int", "int64_t"),
        ("const int32_t&", "int64_t"),
        ("size_t", "int64_t"),
        ("float", "double"),
        ("std::optional<float>", "double"),
        ("std::vector<int>", ""),  # torch 2.13 compiles it
        ("at::ArrayRef<float>", ""),
        ("int64_t", ""),
        ("int8_t", ""),  # the index of a device
        ("long", ""),
        ("bool", ""),
        ("double", ""),
        ("at::IntArrayRef", ""),
        ("at::Tensor", ""),
        ("Index", ""),
        ("", ""),
    ],
)
def test_numbers_of_another_width_than_pythons_are_refused(text: str, instead: str) -> None:
    assert refused_by_torch(text) == instead
