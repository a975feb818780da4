#include "functions.h"

extern "C" PyObject* python_pack(PyObject* self, PyObject* arguments) { Py_RETURN_NONE; }
