#include <Python.h>

#include "functions.h"

struct Entry {
  const char* name;
  void (*run)(int);
};

static const Entry schedule[] = {
    {"copy", &copy_blocks},
    {"swap", &blocks::swap_blocks},
#ifdef WITH_TRACING
    {"trace", &trace_blocks},
#endif
};

static const Entry unused[] = {{"drop", &drop_blocks}};

extern "C" {

static PyObject* run(PyObject* self, PyObject* arguments) {
  for (const Entry& entry : schedule) entry.run(0);
  Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"run", run, METH_VARARGS, "Run all of the schedule."},
    {"copy", (PyCFunction)python_copy, METH_VARARGS, "Copy blocks."},
    {"pack", reinterpret_cast<PyCFunction>(python_pack), METH_VARARGS | METH_KEYWORDS, "Pack."},
    {nullptr, nullptr, 0, nullptr},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_native", nullptr, -1, methods};

PyMODINIT_FUNC PyInit__native(void) { return PyModule_Create(&module); }

}
