// Sharing a call's work among torch's threads.
#pragma once

#include <torch/csrc/stable/ops.h>

#include <cstdint>

namespace opparity {

// Whether this process was forked from one that had several threads. None of them is here, but
// OpenMP's pool, which the forking thread takes along, still waits for them: it would wait forever.
bool has_lost_its_threads();

// As torch's parallel_for; a process that has lost its threads computes on the calling one.
template <typename Work>
void share(int64_t begin, int64_t end, int64_t grain, const Work& work) {
  if (begin >= end) return;
  if (has_lost_its_threads()) {
    work(begin, end);
    return;
  }
  torch::stable::parallel_for(begin, end, grain, work);
}

}  // namespace opparity
