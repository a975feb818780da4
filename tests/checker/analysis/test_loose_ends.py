"""Functions that are used without a body, or have one that nothing uses, are said by name."""

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

at::Tensor shift(const at::Tensor& input);
at::Tensor scale(const at::Tensor& input);

class Stream {
 public:
  void set_device(int device);
  void set_queue(int queue);
};
"""
SOURCE = b"""#include "ops.h"

at::Tensor shift(const at::Tensor& input) {
  return input + 1;
}

at::Tensor scale(const at::Tensor& input) {
  return input * 2;
}

void Stream::set_device(int device) {
  (void)device;
}

void Stream::set_queue(int queue) {
  (void)queue;
}
"""
BINDINGS = b"""#include "ops.h"

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("shift", &shift);
  m.def("scale", [](const at::Tensor& input) {
    Stream* stream = new Stream();
    stream->set_device(0);
    stream->set_queue(0);
    return scale(input);
  });
}
"""
TREE = {"csrc/ops.h": HEADER, "csrc/ops.cu": SOURCE, "csrc/bindings.cpp": BINDINGS}


def loose_ends(root: Path, files: dict[str, bytes]) -> set[tuple[str, str]]:
    write_folder(root, files)
    return {(each.kind.value, each.name) for each in Analysis(read_project(root)).basis.loose_ends}


def without(source: bytes, head: bytes) -> bytes:
    start = source.index(head)
    return source[:start] + source[source.index(b"}\n", start) + 2 :]


def test_a_whole_tree_has_none(tmp_path: Path) -> None:
    assert loose_ends(tmp_path, TREE) == set()


@pytest.mark.parametrize(
    ("head", "name"),
    [(b"at::Tensor shift(", "shift"), (b"void Stream::set_queue(", "Stream::set_queue")],
    ids=["function", "method"],
)
def test_what_is_used_and_has_no_body_is_named(tmp_path: Path, head: bytes, name: str) -> None:
    files = {**TREE, "csrc/ops.cu": without(SOURCE, head)}
    assert loose_ends(tmp_path, files) == {("bodiless", name)}


def test_a_body_that_the_grammar_lost_is_a_body_all_the_same(tmp_path: Path) -> None:
    lost = SOURCE.replace(b"at::Tensor shift(", b"KERNEL_API(4) <<< at::Tensor shift(")
    assert loose_ends(tmp_path, {**TREE, "csrc/ops.cu": lost}) == set()


def test_what_a_macro_may_make_is_not_said_to_have_no_body(tmp_path: Path) -> None:
    made = b"#define MAKE(name) at::Tensor name##ift(const at::Tensor& input) { return input; }\n"
    source = without(SOURCE, b"at::Tensor shift(") + made + b"MAKE(sh)\n"
    assert loose_ends(tmp_path, {**TREE, "csrc/ops.cu": source}) == set()


def test_a_template_that_is_instantiated_alone_has_no_body(tmp_path: Path) -> None:
    header = HEADER + b"template <typename T>\nvoid launch(T* output, int count);\n"
    source = SOURCE + b"template void launch(float* output, int count);\n"
    caller = BINDINGS.replace(
        b"    return scale", b"    launch<float>(nullptr, 1);\n    return scale"
    )
    files = {"csrc/ops.h": header, "csrc/ops.cu": source, "csrc/bindings.cpp": caller}
    assert loose_ends(tmp_path, files) == {("bodiless", "launch")}


def test_a_function_on_tensors_that_nothing_uses_is_named(tmp_path: Path) -> None:
    bindings = BINDINGS.replace(b'  m.def("shift", &shift);\n', b"")
    assert loose_ends(tmp_path, {**TREE, "csrc/bindings.cpp": bindings}) == {("idle", "shift")}


def test_a_function_that_a_macro_is_given_is_used(tmp_path: Path) -> None:
    bindings = BINDINGS.replace(b'  m.def("shift", &shift);\n', b"  BIND_UNARY(shift);\n")
    assert loose_ends(tmp_path, {**TREE, "csrc/bindings.cpp": bindings}) == set()


def test_prototypes_and_bodies_of_other_arguments_are_named(tmp_path: Path) -> None:
    source = SOURCE.replace(b"set_queue(int queue)", b"set_queue(int queue, int extra)")
    expected = {("misfit", "Stream::set_queue")}
    assert loose_ends(tmp_path, {**TREE, "csrc/ops.cu": source}) == expected


def test_an_overload_that_fits_is_enough(tmp_path: Path) -> None:
    source = SOURCE + b"void Stream::set_queue(int queue, int extra) {\n  set_queue(queue);\n}\n"
    assert loose_ends(tmp_path, {**TREE, "csrc/ops.cu": source}) == set()


def test_a_destructor_behind_a_macro_is_no_function_without_a_body(tmp_path: Path) -> None:
    header = HEADER.replace(b"  void set_device", b"  ~Stream();\n  void set_device")
    source = SOURCE + b"OPS_API Stream::~Stream() = default;\n"
    caller = BINDINGS.replace(b"    return scale", b"    stream->~Stream();\n    return scale")
    files = {"csrc/ops.h": header, "csrc/ops.cu": source, "csrc/bindings.cpp": caller}
    assert loose_ends(tmp_path, files) == set()


LOST = b"KERNEL_API(4) <<< "


def test_a_body_that_the_grammar_lost_may_take_void(tmp_path: Path) -> None:
    header = HEADER + b"int burst(void);\nint spread(void);\n"
    lost = SOURCE + LOST + b"int burst(void) {\n  return 1;\n}\n"
    other = LOST + b"int spread(int count) {\n  return count;\n}\n"
    files = {**TREE, "csrc/ops.h": header, "csrc/ops.cu": lost, "csrc/other.cu": other}
    assert loose_ends(tmp_path, files) == {("misfit", "spread")}


def test_initialisers_are_no_arguments_of_a_constructor(tmp_path: Path) -> None:
    header = HEADER.replace(
        b"  void set_device", b"  Stream(int device, int queue);\n  void set_device"
    )
    lost = (
        LOST + b"Stream::Stream(int device, int queue) : device_(device), all_() {\n  run();\n}\n"
    )
    files = {**TREE, "csrc/ops.h": header, "csrc/ops.cu": SOURCE + lost}
    assert loose_ends(tmp_path, files) == set()


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("demo/ops.pyx", b'cdef extern from "ops.h":\n    Tensor shift(Tensor)\n'),
        ("demo/ops.py", b'import ctypes\n\nctypes.CDLL("libdemo.so").shift(1)\n'),
        ("demo/ops.py", b'load_inline("demo", [SOURCE], functions=["shift"])\n'),
    ],
    ids=["Cython", "ctypes", "load_inline"],
)
def test_what_python_calls_without_a_binding_is_not_idle(
    tmp_path: Path, path: str, content: bytes
) -> None:
    bindings = BINDINGS.replace(b'  m.def("shift", &shift);\n', b"")
    files = {**TREE, "csrc/bindings.cpp": bindings, path: content}
    assert loose_ends(tmp_path, files) == set()


def test_a_test_of_googletest_is_not_idle(tmp_path: Path) -> None:
    tests = b"at::Tensor TEST(at::Tensor input) {\n  return input;\n}\n"
    assert loose_ends(tmp_path, {**TREE, "csrc/shift_check.cu": tests}) == set()


@pytest.mark.parametrize(("count", "named"), [(20, {("bodiless", "at::demo::lost")}), (5, set())])
def test_a_namespace_within_torchs_is_a_trees_own_where_it_has_many_bodies(
    tmp_path: Path, count: int, named: set[tuple[str, str]]
) -> None:
    bodies = b"".join(b"int f%d(int x) {\n  return x;\n}\n" % number for number in range(count))
    header = b"namespace at {\nnamespace demo {\nint lost(int x);\n}\n}\n"
    source = b'#include "more.h"\nnamespace at {\nnamespace demo {\n' + bodies + b"}\n}\n"
    caller = b'#include "more.h"\nint use(int x) {\n  return at::demo::lost(x);\n}\n'
    more = {"csrc/more.h": header, "csrc/more.cu": source, "csrc/use.cu": caller}
    assert loose_ends(tmp_path, {**TREE, **more}) == named
