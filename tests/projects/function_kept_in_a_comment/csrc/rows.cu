#include <torch/extension.h>

__global__ void copy_rows(const float* from, float* to, int width) {
  to[blockIdx.x * width + threadIdx.x] = from[blockIdx.x * width + threadIdx.x];
}

class Rows {
 public:
  torch::Tensor take(torch::Tensor values) {
    /*
    __global__ void copy_rows_in_halves(const float* from, float* to,
                                        int width){
    */
    auto taken = torch::empty_like(values);
    copy_rows<<<values.size(0), values.size(1)>>>(
        values.data_ptr<float>(), taken.data_ptr<float>(), values.size(1));
    return taken;
  }
};

int count_rows(torch::Tensor values) {
  return values.size(0);
}

void bind_rows(pybind11::module &m) {
  m.def("count_rows", &count_rows);
  pybind11::class_<Rows>(m, "Rows").def(pybind11::init<>()).def("take", &Rows::take);
}
