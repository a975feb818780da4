// Uses a kernel cache as its arguments say: "cuda" or "hip", then steps.
//   launch <device> <key>       looks the kernel up and launches it
//   facts <device>              opens the device
//   clear <device>              has memory cleared
//   cost                        prints how many kernels were compiled, and whether that took time
//   threads <devices> <keys>    sixteen threads launch at once, each on one of so many devices one
//                               of so many kernels
//   fork                        goes on in a child, after which the parent launches once
#include <sys/wait.h>
#include <unistd.h>

#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include "native/gpu/kernel_cache.h"

namespace {

constexpr int kThreads = 16;

void* const kStream = reinterpret_cast<void*>(9);

void launch(opparity::KernelCache& kernels, int device, int key) {
  const int argument = 42;
  void* function = kernels.function(device, key, [key] {
    const std::string number = std::to_string(key);
    return opparity::KernelSource{"kernel " + number, {"KEY=" + number}};
  });
  const opparity::Grid grid{.x = 7, .y = 3, .threads = 128, .shared_bytes = 16};
  kernels.launch(device, function, grid, &argument, sizeof argument, kStream, /*overlaps=*/true);
}

template <typename Step>
void attempt(const Step& step) {
  try {
    step();
  } catch (const std::exception& error) {
    std::printf("refused: %s\n", error.what());
    std::fflush(stdout);
  }
}

void launch_in_threads(opparity::KernelCache& kernels, int devices, int keys) {
  std::barrier together(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      together.arrive_and_wait();
      attempt([&] { launch(kernels, i % devices, i / devices % keys); });
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Returns whether this is the child.
bool fork_here() {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    std::printf("child\n");
    return true;
  }
  int status = 0;
  waitpid(child, &status, 0);
  std::printf("parent, child ended with %d\n", status);
  return false;
}

}  // namespace

int main(int count, char** words) {
  const bool hip = std::strcmp(words[1], "hip") == 0;
  opparity::KernelCache kernels(hip ? opparity::hip_driver : opparity::cuda_driver,
                                hip ? opparity::hiprtc : opparity::nvrtc);
  int i = 2;
  const auto number = [&] { return std::atoi(words[i++]); };
  while (i < count) {
    const std::string step = words[i++];
    if (step == "launch") {
      const int device = number(), key = number();
      attempt([&] { launch(kernels, device, key); });
    } else if (step == "threads") {
      const int devices = number(), keys = number();
      launch_in_threads(kernels, devices, keys);
    } else if (step == "facts") {
      const int device = number();
      attempt([&] {
        const opparity::GpuFacts& facts = kernels.facts(device);
        std::printf("facts %d %d %u\n", facts.multiprocessors, facts.threads_of_a_multiprocessor,
                    facts.wave_size);
      });
    } else if (step == "clear") {
      const int device = number();
      attempt([&] { kernels.clear_memory(device, reinterpret_cast<void*>(4096), 512, kStream); });
    } else if (step == "cost") {
      const opparity::CompilationCost cost = kernels.cost();
      std::printf("cost %d %s\n", cost.kernels, cost.seconds > 0 ? "some time" : "no time");
    } else if (step == "fork" && !fork_here()) {
      attempt([&] { launch(kernels, 0, 0); });
      return 0;
    }
  }
}
