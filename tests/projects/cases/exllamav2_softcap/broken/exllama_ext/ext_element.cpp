#include "ext_element.h"

void softcap_(torch::Tensor x, float scale) {}
