#pragma once
#include <string>
#include <torch/library.h>

template <typename Function>
void define_with_schema(const std::string& name, Function, torch::Library& m) {
  m.def(name + "(Tensor input) -> Tensor");
}
