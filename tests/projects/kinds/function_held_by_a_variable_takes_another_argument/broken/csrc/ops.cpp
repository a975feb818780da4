#include <torch/extension.h>

template <int dimensions>
at::Tensor pairs(at::Tensor points, int64_t sizes) {
  return points.narrow(0, dimensions, sizes);
}

template <int dimensions>
at::Tensor pairs_on_grid(at::Tensor points, at::Tensor grid, int64_t sizes, bool is_dense) {
  return is_dense ? grid : grid.index({points.narrow(0, dimensions, sizes)});
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("pairs_2d", &pairs<2>);
  m.def("pairs_3d", &pairs<3>);
  m.def("pairs_on_grid_2d", &pairs_on_grid<2>);
  m.def("pairs_on_grid_3d", &pairs_on_grid<3>);
}
