#pragma once
#include <torch/extension.h>

torch::Tensor shift(const torch::Tensor& input);
#include <string>

struct Text {
  static int parse(const std::string& in, int& error);
  static int parse(const char* in, int& error) {
    return parse(std::string(in), error);
  }
};
