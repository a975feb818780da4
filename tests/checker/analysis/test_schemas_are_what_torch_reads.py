"""A schema's arguments are those that torch's own parser finds."""

from __future__ import annotations

import pytest
import torch

from opparity.checker.analysis.schemas import (
    Argument,
    arguments_of,
    parameters_of,
    returned_by,
    split_arguments,
    unreadable_in,
)
from opparity.checker.analysis.types import schema_category

SCHEMAS = """
f() -> ()
f(Tensor x) -> Tensor
ns::f(Tensor x) -> Tensor
f.overload(Tensor x) -> Tensor
f(Tensor! out, Tensor x) -> ()
f(Tensor(a!) out, Tensor(b) x) -> Tensor(a!)
f(Tensor(a!)? out, Tensor? x=None) -> ()
f(Tensor[] xs, int[] sizes, int[2] stride=1) -> Tensor[]
f(Tensor?[] xs, float[]? scales=None) -> Tensor
f(Tensor(a!)[] xs) -> ()
f(int a=1, float b=1.5, bool c=True, str d="x") -> int
f(int a=-1, float b=1e-05, str? d=None) -> float
f(int[] a=[1, 2], int[2] b=[0, 0]) -> bool
f(Tensor x, *, float scale) -> Tensor
f(Tensor x, *, float scale=1.0, Tensor? bias=None) -> (Tensor, Tensor)
f(*, Tensor x) -> ()
f(Tensor x,*,int n=2) -> Tensor
f(SymInt n, SymInt[] sizes, Scalar s, ScalarType t, Device d) -> (Tensor values, Tensor indices)
f(Tensor x, Dict(str, Tensor) table, int n) -> (Tensor, Tensor[], int)
f((Tensor, Tensor) pair, int n) -> Tensor
f(Generator? generator=None, MemoryFormat? memory_format=None) -> Tensor
""".strip().splitlines()


@pytest.mark.parametrize("text", SCHEMAS)
def test_arguments_and_results_are_those_that_torch_finds(text: str) -> None:
    read = torch._C.parse_schema(text)
    assert parameters_of(text) == tuple(
        Argument(each.name, each.has_default_value(), by_keyword=each.kwarg_only)
        for each in read.arguments
    )
    assert returned_by(text) == len(read.returns)
    assert len(arguments_of(text) or ()) == len(read.arguments)


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("f(Tensor! out, Tensor(a!) x, int n=1) -> ()", ["Tensor!", "Tensor(a!)", "int"]),
        ("f(Tensor? x=None, *, float scale) -> ()", ["Tensor?", "float"]),
        ("f(int[2] stride=[1, 2], str s='a b') -> ()", ["int[2]", "str"]),
        ("f(Dict(str, Tensor) table) -> ()", ["Dict(str, Tensor)"]),
        ("f(Tensor, int) -> ()", ["Tensor", "int"]),
        ("f()", []),
    ],
)
def test_types_are_what_stands_before_a_name(text: str, types: list[str]) -> None:
    assert arguments_of(text) == types


@pytest.mark.parametrize("text", ["", "f", "f(", "f(Tensor x", "f(int[2 x) -> ()", "f(Tensor x, "])
def test_an_unfinished_schema_has_no_arguments(text: str) -> None:
    assert split_arguments(text) is None
    assert arguments_of(text) is None
    assert parameters_of(text) is None


def test_a_schema_without_results_has_no_parameters_yet() -> None:
    assert parameters_of("f(Tensor x)") is None
    assert returned_by("f(Tensor x)") is None
    assert returned_by("f(Tensor x) -> ") is None


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Tensor", "Tensor"),
        ("Tensor!", "Tensor"),
        ("Tensor(a!)", "Tensor"),
        ("Tensor(a)", "Tensor"),
        ("int", "int"),
        ("SymInt", "int"),
        ("float", "float"),
        ("bool", "bool"),
        ("str", "str"),
        ("Tensor?", ""),
        ("Tensor[]", ""),
        ("int[2]", ""),
        ("Scalar", ""),
    ],
)
def test_only_plain_types_have_a_category(text: str, category: str) -> None:
    assert schema_category(text) == category


@pytest.mark.parametrize("text", SCHEMAS)
def test_what_torch_reads_has_nothing_that_it_cannot_read(text: str) -> None:
    assert not unreadable_in(text)


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("f(int64_t n) -> ()", "int64_t"),
        ("f(Tensor x, double? scale=None) -> Tensor", "double"),
        ("f(long[] sizes) -> ()", "long"),
        ("f(vector v) -> ()", "vector"),
        ("f(unsigned int n) -> ()", "unsigned int"),
        ("f(const Tensor& x) -> Tensor", "const Tensor&"),
        ("f(at::Tensor x) -> Tensor", "at::Tensor"),
        ("f(std::vector<int> v) -> ()", "std::vector<int>"),
        ("f(tensor(a!) x) -> ()", "tensor"),
        ("f(string s='a::b') -> ()", "string"),
        ("f() -> void", "void"),
        ("f(Tensor x) -> (Tensor, double)", "double"),
        ("f(Tensor x, ) -> Tensor", ","),
        ("f(Tensor x,) -> Tensor", ","),
        ("f(Tensor x) -> (Tensor, Tensor,)", ","),
    ],
)
def test_what_torch_cannot_read_is_named(text: str, refused: str) -> None:
    # `parse_schema` takes `long` for the name of any type; what defines an operator does not.
    with pytest.raises(RuntimeError):
        torch.library.Library("opparity_refused", "FRAGMENT").define(text)
    assert unreadable_in(text) == refused


@pytest.mark.parametrize("text", ["f(int64_t n)", "f(Tensor x,", "f", ""])
def test_of_an_unfinished_schema_it_is_not_known_what_torch_cannot_read(text: str) -> None:
    assert not unreadable_in(text)
