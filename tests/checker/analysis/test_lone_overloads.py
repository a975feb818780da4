"""A prototype without a body is said by name, although another function of its name has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checker.trees_on_disk import write_folder
from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis

if TYPE_CHECKING:
    from pathlib import Path

HEADER = b"""#pragma once
#include <torch/extension.h>

void quantise(at::Tensor& out, const at::Tensor& input, double scale);
void quantise(at::Tensor& out, const at::Tensor& input, const at::Tensor& scale);
void quantise(at::Tensor& out, const at::Tensor& input);

namespace demo {
struct Geometry {
  static Geometry from_chunk(char*& chunk);
};
struct Image {
  static Image from_chunk(char*& chunk);
};
void clean(int* mask, int count, int stream);
}  // namespace demo
"""
SOURCE = b"""#include "ops.h"

void quantise(at::Tensor& out, const at::Tensor& input, double scale) {
  out = input * scale;
}

void quantise(at::Tensor& out, const at::Tensor& input, const at::Tensor& scale) {
  out = input / scale;
}

void quantise(at::Tensor& out, const at::Tensor& input) {
  out = input;
}

namespace demo {
Geometry Geometry::from_chunk(char*& chunk) {
  return Geometry();
}

Image Image::from_chunk(char*& chunk) {
  return Image();
}

template <int kThreads>
__global__ void clean(int* mask, int count) {
  mask[0] = count;
}

void clean(int* mask, int count, int stream) {
  launch(&clean<32>, mask, count, stream);
}
}  // namespace demo
"""
BINDINGS = b"""#include "ops.h"

at::Tensor run(at::Tensor input) {
  char* chunk = nullptr;
  demo::Geometry::from_chunk(chunk);
  demo::Image::from_chunk(chunk);
  demo::clean(nullptr, 1, 2);
  at::Tensor out;
  quantise(out, input, 2.0);
  quantise(out, input, input);
  quantise(out, input);
  return out;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("run", &run);
}
"""
TREE = {"csrc/ops.h": HEADER, "csrc/ops.cu": SOURCE, "csrc/bindings.cpp": BINDINGS}


def bodiless(root: Path, files: dict[str, bytes]) -> list[str]:
    write_folder(root, files)
    basis = Analysis(read_project(root)).basis
    return [each.name for each in basis.loose_ends if each.kind == "bodiless"]


def without(head: bytes) -> dict[str, bytes]:
    start = SOURCE.index(head)
    end = SOURCE.index(b"}\n", start) + 2
    return {**TREE, "csrc/ops.cu": SOURCE[:start] + SOURCE[end:]}


def test_where_each_has_its_body_none_is_named(tmp_path: Path) -> None:
    assert bodiless(tmp_path, TREE) == []


@pytest.mark.parametrize(
    ("head", "named"),
    [
        (
            b"void quantise(at::Tensor& out, const at::Tensor& input) {",
            ["quantise(at::Tensor&, const at::Tensor&)"],
        ),
        (
            b"void quantise(at::Tensor& out, const at::Tensor& input, double",
            ["quantise(at::Tensor&, const at::Tensor&, double)"],
        ),
        (b"Geometry Geometry::from", ["demo::Geometry::from_chunk(char*&)"]),
        (b"void clean(int* mask, int count, int stream)", ["demo::clean(int*, int, int)"]),
    ],
    ids=["overload", "overload of as many", "class", "function beside a kernel"],
)
def test_what_lost_its_body_is_named_with_its_types(
    tmp_path: Path, head: bytes, named: list[str]
) -> None:
    assert bodiless(tmp_path, without(head)) == named


@pytest.mark.parametrize(
    "addition",
    [
        b"#define MAKE(name) void name(at::Tensor& o, at::Tensor i) { o = i; }\nMAKE(quantise)\n",
        b"KERNEL_API(4) <<< void quantise(at::Tensor& out, const at::Tensor& input) {\n}\n",
    ],
    ids=["a macro may make it", "the grammar lost it"],
)
def test_what_may_have_a_body_is_not_named(tmp_path: Path, addition: bytes) -> None:
    files = without(b"void quantise(at::Tensor& out, const at::Tensor& input) {")
    files["csrc/ops.cu"] += addition
    assert bodiless(tmp_path, files) == []


def test_the_body_of_a_nested_class_is_its_own(tmp_path: Path) -> None:
    header = HEADER + b"struct demo::Image::Part {\n  int count_of(int size);\n};\n"
    other = b"struct Other {\n  int count_of(int size) { return size; }\n};\n"
    body = b'#include "ops.h"\nint demo::Image::Part::count_of(int size) {\n  return size;\n}\n'
    caller = BINDINGS + b"int use(demo::Image::Part& part) {\n  return part.count_of(1);\n}\n"
    files = {**TREE, "csrc/ops.h": header + other, "csrc/part.cu": body}
    assert bodiless(tmp_path, {**files, "csrc/bindings.cpp": caller}) == []
