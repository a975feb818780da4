// Sharing a call's work among threads.
#pragma once

#include <torch/csrc/stable/ops.h>

#include <cstdint>
#include <functional>

namespace opparity {

// Work from a number up to another one; it throws nothing.
using Piece = std::function<void(int64_t, int64_t)>;

// Whether this process was forked from one that had several threads. Some may have been OpenMP's,
// whose pool the forking thread takes along: it waits for them, and would wait forever.
bool may_have_lost_threads();

// As torch's parallel_for, with as many threads; they are started for this call and end with it.
void share_among_new_threads(int64_t begin, int64_t end, int64_t grain, const Piece& piece);

// Shares work among torch's threads, or others where torch would wait for threads that are lost.
template <typename Work>
void share(int64_t begin, int64_t end, int64_t grain, const Work& work) {
  if (begin >= end) return;
  if (may_have_lost_threads()) {
    share_among_new_threads(begin, end, grain, std::cref(work));
    return;
  }
  torch::stable::parallel_for(begin, end, grain, work);
}

}  // namespace opparity
