#pragma once
#include <torch/library.h>

void register_norms(torch::Library& library);

#define REGISTER_EVERYTHING(library) register_norms(library)
