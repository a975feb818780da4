#include "copying.cuh"
#include "rows.h"

torch::Tensor take_rows(torch::Tensor values) {
  auto taken = torch::empty_like(values);
  copy_rows<<<1, values.numel()>>>(values.data_ptr<float>(), taken.data_ptr<float>());
  return taken;
}
