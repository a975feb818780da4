#include <torch/extension.h>

at::Tensor ToRows(const at::Tensor& input) {
  return input.clone();
}

at::Tensor LoadNodes(const at::Tensor& input) {
  return input.clone();
}

at::Tensor LoadEdges(const at::Tensor& input) {
  return input.clone();
}

at::Tensor CountNodes(const at::Tensor& input) {
  return input.clone();
}

at::Tensor CountEdges(const at::Tensor& input) {
  return input.clone();
}

PYBIND11_MODULE(graphs, m) {
  m.def("to_rows", &ToRows);
  m.def("load_nodes", &LoadNodes);
  m.def("count_nodes", &CountNodes);
  m.def("count_edges", &CountEdges);
}
