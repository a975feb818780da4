#include "native/cpu/threads.h"

#include <dirent.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

namespace opparity {
namespace {

std::atomic<bool> g_has_threads{false}, g_has_lost_threads{false};

// Each thread is a folder, beside "." and "..". Whose they are is not known: with numpy's BLAS
// there are several as soon as torch is imported, and OpenMP may have none among them.
bool has_several_threads() {
  DIR* tasks = opendir("/proc/self/task");
  // Ignorance must not end in a process that waits forever.
  if (tasks == nullptr) return true;
  int entries = 0;
  while (readdir(tasks) != nullptr) ++entries;
  closedir(tasks);
  return entries > 3;
}

void before_fork() { g_has_threads = has_several_threads(); }

void in_child() {
  if (g_has_threads) g_has_lost_threads = true;
}

const int g_registered = pthread_atfork(before_fork, nullptr, in_child);

}  // namespace

bool may_have_lost_threads() { return g_has_lost_threads; }

void share_among_new_threads(int64_t begin, int64_t end, int64_t grain, const Piece& piece) {
  const int64_t pieces = (end - begin + grain - 1) / grain;
  const int64_t count = std::min<int64_t>(pieces, torch::stable::get_num_threads());
  if (count <= 1) {
    piece(begin, end);
    return;
  }
  const int64_t size = (end - begin + count - 1) / count;
  std::vector<std::thread> threads;
  threads.reserve(count - 1);
  int64_t rest = begin;
  try {
    while (end - rest > size) {
      threads.emplace_back(piece, rest, rest + size);
      rest += size;
    }
  } catch (const std::exception&) {
    // No more can be started: this thread does what is left.
  }
  piece(rest, end);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace opparity
