#include <Python.h>

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_plain", nullptr, -1, nullptr};

#if PY_MAJOR_VERSION == 2
PyMODINIT_FUNC init_plain()
#else
PyMODINIT_FUNC PyInit__plain()
#endif
{
  return PyModule_Create(&definition);
}
