#include "host_grid.h"

#include <ucontext.h>

#include <array>
#include <vector>

#include "native/platforms/host.h"

namespace opparity::host {
namespace {

constexpr uint32_t kLanes = 32;
constexpr size_t kStackBytes = 64 * 1024;

enum class State { kRuns, kExchanges, kWaits, kHasLeft };

struct Lane {
  ucontext_t context;
  std::vector<char> stack = std::vector<char>(kStackBytes);
  Thread thread;
  State state;
  uint32_t value;
  int step;
};

struct Block {
  std::vector<Lane> lanes;
  ucontext_t scheduler;
  uint32_t running;
  Kernel kernel;
  const KernelArguments* arguments;
};

// What a fiber is started with are two numbers of 32 bits, so it finds its block here.
thread_local Block block;

Lane& running_lane() { return block.lanes[block.running]; }

void run_lane() {
  block.kernel(*block.arguments);
  Lane& lane = running_lane();
  lane.state = State::kHasLeft;
  swapcontext(&lane.context, &block.scheduler);
}

void start(const Thread& thread) {
  Lane& lane = block.lanes[thread.index];
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

// Gives each lane of a warp what its neighbour has. Returns what is wrong with the exchange, or
// nothing.
std::string exchange_values(Lane* lanes) {
  const int step = lanes[0].step;
  std::array<uint32_t, kLanes> values;
  for (uint32_t i = 0; i < kLanes; ++i) {
    const Lane& lane = lanes[i];
    if (lane.state == State::kHasLeft) {
      return name_of(lane.thread) + " has left the kernel while its warp exchanges";
    }
    if (lane.state == State::kWaits) {
      return name_of(lane.thread) + " waits for its block while its warp exchanges";
    }
    if (lane.step != step) return name_of(lane.thread) + " exchanges by another step than lane 0";
    values[i] = lane.value;
  }
  for (uint32_t i = 0; i < kLanes; ++i) {
    lanes[i].value = values[i ^ static_cast<uint32_t>(step)];
    lanes[i].state = State::kRuns;
  }
  return {};
}

// Runs a warp until all of it has left the kernel or waits for its block.
std::string run_warp(uint32_t first) {
  for (;;) {
    bool exchanges = false;
    for (block.running = first; block.running < first + kLanes; ++block.running) {
      Lane& lane = running_lane();
      if (lane.state == State::kRuns) swapcontext(&block.scheduler, &lane.context);
      exchanges |= lane.state == State::kExchanges;
    }
    if (!exchanges) return {};
    const std::string mistake = exchange_values(&block.lanes[first]);
    if (!mistake.empty()) return mistake;
  }
}

std::string run_block() {
  for (;;) {
    for (uint32_t first = 0; first < block.lanes.size(); first += kLanes) {
      const std::string mistake = run_warp(first);
      if (!mistake.empty()) return mistake;
    }
    uint32_t waiting = 0;
    const Lane* gone = nullptr;
    for (Lane& lane : block.lanes) {
      if (lane.state == State::kWaits) ++waiting;
      if (lane.state == State::kHasLeft) gone = &lane;
      if (lane.state == State::kWaits) lane.state = State::kRuns;
    }
    if (waiting == 0) return {};
    if (gone != nullptr)
      return name_of(gone->thread) + " has left the kernel while its block waits";
  }
}

}  // namespace

const Thread& current_thread() { return running_lane().thread; }

uint32_t exchange(uint32_t value, int step) {
  Lane& lane = running_lane();
  lane.value = value;
  lane.step = step;
  lane.state = State::kExchanges;
  swapcontext(&lane.context, &block.scheduler);
  return lane.value;
}

void synchronise() {
  Lane& lane = running_lane();
  lane.state = State::kWaits;
  swapcontext(&lane.context, &block.scheduler);
}

std::string run_grid(Kernel kernel, const GridSize& size, const KernelArguments& arguments) {
  block.kernel = kernel;
  block.arguments = &arguments;
  if (size.threads % kLanes != 0) return "a block has a part of a warp";
  block.lanes.resize(size.threads);
  for (uint32_t y = 0; y < size.y; ++y) {
    for (uint32_t x = 0; x < size.x; ++x) {
      for (uint32_t i = 0; i < size.threads; ++i) start({x, y, i});
      const std::string mistake = run_block();
      if (!mistake.empty()) return mistake;
    }
  }
  return {};
}

}  // namespace opparity::host
