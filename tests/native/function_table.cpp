// Adds keys to a function table while other threads look for all of them; fails where one finds
// another key's function, or loses one that it had found. Prints how many there are in the end.
#include "native/gpu/function_table.h"

#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

constexpr uint64_t kCount = 20000;

// Keys that differ in low bits alone, in high ones alone, and 0.
uint64_t key_of(uint64_t i) { return i % 2 == 0 ? i : i << 44; }
void* function_of(uint64_t i) { return reinterpret_cast<void*>(8 * (i + 1)); }

void require(bool holds, const char* what) {
  if (holds) return;
  std::printf("%s\n", what);
  std::exit(1);
}

void look(const opparity::FunctionTable& table) {
  uint64_t known = 0;
  while (known < kCount) {
    for (uint64_t i = 0; i < known; ++i) {
      require(table.find(key_of(i)) == function_of(i), "a key that was found is lost");
    }
    for (; known < kCount; ++known) {
      void* found = table.find(key_of(known));
      if (found == nullptr) break;
      require(found == function_of(known), "a key has another's function");
    }
  }
}

}  // namespace

int main() {
  opparity::FunctionTable table;
  std::thread first([&] { look(table); });
  std::thread second([&] { look(table); });
  for (uint64_t i = 0; i < kCount; ++i) table.add(key_of(i), function_of(i));
  first.join();
  second.join();
  require(table.find(key_of(kCount)) == nullptr, "a key that was not added is found");
  std::printf("%d\n", static_cast<int>(kCount));
}
