#include "ops.h"

#ifdef ENABLE_SM90
int a_of_sm90() { return 90; }
#endif

#ifdef ENABLE_SM90
int b_of_sm90() { return 90; }
#endif

#ifdef ENABLE_SM90
int c_of_sm90() { return 90; }
#endif

#ifdef ENABLE_SM90
int d_of_sm90() { return 90; }
#endif

#ifdef ENABLE_SM90A
int of_sm90a() { return 90; }
#endif

torch::Tensor scale(const torch::Tensor& input) {
  return input;
}

torch::Tensor shift(const torch::Tensor& input) {
  return input;
}
