py::class_<Layer>(m, "Layer").def(py::init<int>());
m.def("shift_again", &shift);
