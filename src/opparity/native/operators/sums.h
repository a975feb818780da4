// The checks of int32 sums and their scales.
#pragma once

#include "native/operators/request.h"

namespace opparity {

void check_dtype_of_sums(const Request& request);

// Of what the producer reads: the input's, or the one that scaled sums are rounded to.
Dtype dtype_of(const Request& request);

void check_sums(const Request& request);

}  // namespace opparity
