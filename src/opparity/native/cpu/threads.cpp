#include "native/cpu/threads.h"

#include <dirent.h>
#include <pthread.h>

#include <atomic>

namespace opparity {
namespace {

std::atomic<bool> g_has_threads{false}, g_has_lost_threads{false};

// Each thread is a folder, beside "." and "..".
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

bool has_lost_its_threads() { return g_has_lost_threads; }

}  // namespace opparity
