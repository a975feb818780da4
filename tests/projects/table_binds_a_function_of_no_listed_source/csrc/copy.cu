#include "functions.h"

void copy_blocks(int stream) {}

extern "C" PyObject* python_copy(PyObject* self, PyObject* arguments) { Py_RETURN_NONE; }
