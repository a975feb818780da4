// Launches as its arguments say: "cuda" or "hip", a path, then steps: "launch <device> <kernel>";
// "threads" for a race of eight first launches; "fork" to go on in a child, after which the parent
// launches once.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include "native/gpu_launcher.h"

int main(int count, char** words) {
  const bool hip = std::strcmp(words[1], "hip") == 0;
  opparity::KernelSet kernels(hip ? opparity::hip_driver : opparity::cuda_driver, words[2],
                              {"first_kernel", "second_kernel"});
  const int argument = 42;
  auto launch = [&](int device, int kernel) {
    try {
      kernels.launch(device, kernel, {.x = 7, .y = 3, .threads = 128, .shared_bytes = 16}, argument,
                     reinterpret_cast<void*>(9));
    } catch (const std::exception& error) {
      std::printf("refused: %s\n", error.what());
      std::fflush(stdout);
    }
  };
  for (int i = 3; i < count; ++i) {
    const std::string step = words[i];
    if (step == "threads") {
      std::vector<std::thread> threads;
      for (int j = 0; j < 8; ++j) threads.emplace_back([&] { launch(0, 0); });
      for (std::thread& thread : threads) thread.join();
    } else if (step == "fork") {
      std::fflush(stdout);
      const pid_t child = fork();
      if (child != 0) {
        int status = 0;
        waitpid(child, &status, 0);
        std::printf("parent\n");
        launch(0, 0);
        return status;
      }
      std::printf("child\n");
    } else {
      launch(std::atoi(words[i + 1]), std::atoi(words[i + 2]));
      i += 2;
    }
  }
}
