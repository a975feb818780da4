// Launches as its arguments say: "device kernel", or "threads" for a race of eight first launches.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <thread>
#include <vector>

#include "native/gpu_launcher.h"

int main(int count, char** words) {
  opparity::KernelSet kernels(words[1], {"first_kernel", "second_kernel"});
  const int argument = 42;
  auto launch = [&](int device, int kernel) {
    kernels.launch(device, kernel, {.x = 7, .y = 3, .threads = 128}, &argument,
                   reinterpret_cast<void*>(9));
  };
  for (int i = 2; i < count; i += 2) {
    try {
      if (std::strcmp(words[i], "threads") == 0) {
        std::vector<std::thread> threads;
        for (int j = 0; j < 8; ++j) threads.emplace_back([&] { launch(0, 0); });
        for (std::thread& thread : threads) thread.join();
        break;
      }
      launch(std::atoi(words[i]), std::atoi(words[i + 1]));
    } catch (const std::exception& error) {
      std::printf("refused: %s\n", error.what());
    }
  }
}
