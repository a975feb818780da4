#pragma once
#include <torch/extension.h>

void scale_(torch::Tensor x);
void norm_(torch::Tensor x);
void softcap_(torch::Tensor x);
