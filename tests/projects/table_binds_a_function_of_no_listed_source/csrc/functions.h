#pragma once

#include <Python.h>

extern "C" PyObject* python_copy(PyObject* self, PyObject* arguments);
extern "C" PyObject* python_pack(PyObject* self, PyObject* arguments);

void copy_blocks(int stream);
void trace_blocks(int stream);
void drop_blocks(int stream);

namespace blocks {
void swap_blocks(int stream);
}
