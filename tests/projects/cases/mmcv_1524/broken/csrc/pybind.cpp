#include <torch/extension.h>

int iou3d_nms_forward(at::Tensor boxes, at::Tensor keep, float threshold);

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("iou3d_nms_forward", &iou3d_nms_forward, "nms", py::arg("boxes"), py::arg("keep"),
        py::arg("threshold"));
}
