#include "host_grid.h"

#include <ucontext.h>

#include <array>
#include <vector>

#include "native/platforms/host.h"

namespace opparity::host {
namespace {

constexpr uint32_t kLanes = 32;
constexpr size_t kStackBytes = 64 * 1024;

enum class State { kRuns, kExchanges, kHasLeft };

struct Lane {
  ucontext_t context;
  std::vector<char> stack = std::vector<char>(kStackBytes);
  Thread thread;
  State state;
  uint32_t value;
  int step;
};

struct Warp {
  std::array<Lane, kLanes> lanes;
  ucontext_t scheduler;
  uint32_t running;
  Kernel kernel;
  const KernelArguments* arguments;
};

// What a fiber is started with are two numbers of 32 bits, so it finds its warp here.
thread_local Warp warp;

void run_lane() {
  warp.kernel(*warp.arguments);
  Lane& lane = warp.lanes[warp.running];
  lane.state = State::kHasLeft;
  swapcontext(&lane.context, &warp.scheduler);
}

void start(uint32_t index, const Thread& thread) {
  Lane& lane = warp.lanes[index];
  lane.thread = thread;
  lane.state = State::kRuns;
  getcontext(&lane.context);
  lane.context.uc_stack.ss_sp = lane.stack.data();
  lane.context.uc_stack.ss_size = lane.stack.size();
  lane.context.uc_link = nullptr;
  makecontext(&lane.context, run_lane, 0);
}

std::string name_of(const Thread& thread) {
  return "thread " + std::to_string(thread.index) + " of block " + std::to_string(thread.block_x) +
         ", " + std::to_string(thread.block_y);
}

// Gives each lane what its neighbour has. Returns what is wrong with the exchange, or nothing.
std::string exchange_values() {
  const int step = warp.lanes[0].step;
  std::array<uint32_t, kLanes> values;
  for (uint32_t i = 0; i < kLanes; ++i) {
    const Lane& lane = warp.lanes[i];
    if (lane.state == State::kHasLeft) {
      return name_of(lane.thread) + " has left the kernel while its warp exchanges";
    }
    if (lane.step != step) return name_of(lane.thread) + " exchanges by another step than lane 0";
    values[i] = lane.value;
  }
  for (uint32_t i = 0; i < kLanes; ++i) {
    warp.lanes[i].value = values[i ^ static_cast<uint32_t>(step)];
    warp.lanes[i].state = State::kRuns;
  }
  return {};
}

std::string run_warp() {
  for (;;) {
    bool exchanges = false;
    for (warp.running = 0; warp.running < kLanes; ++warp.running) {
      Lane& lane = warp.lanes[warp.running];
      if (lane.state == State::kRuns) swapcontext(&warp.scheduler, &lane.context);
      exchanges |= lane.state == State::kExchanges;
    }
    if (!exchanges) return {};
    const std::string mistake = exchange_values();
    if (!mistake.empty()) return mistake;
  }
}

}  // namespace

const Thread& current_thread() { return warp.lanes[warp.running].thread; }

uint32_t exchange(uint32_t value, int step) {
  Lane& lane = warp.lanes[warp.running];
  lane.value = value;
  lane.step = step;
  lane.state = State::kExchanges;
  swapcontext(&lane.context, &warp.scheduler);
  return lane.value;
}

std::string run_grid(Kernel kernel, const GridSize& size, const KernelArguments& arguments) {
  warp.kernel = kernel;
  warp.arguments = &arguments;
  if (size.threads % kLanes != 0) return "a block has a part of a warp";
  for (uint32_t y = 0; y < size.y; ++y) {
    for (uint32_t x = 0; x < size.x; ++x) {
      for (uint32_t first = 0; first < size.threads; first += kLanes) {
        for (uint32_t i = 0; i < kLanes; ++i) start(i, {x, y, first + i});
        const std::string mistake = run_warp();
        if (!mistake.empty()) return mistake;
      }
    }
  }
  return {};
}

}  // namespace opparity::host
