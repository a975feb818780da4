#include "host_grid.h"

#include <ucontext.h>

#include <array>
#include <deque>
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

using Warp = std::array<Lane, kLanes>;

struct Block {
  // A fiber may not move.
  std::deque<Warp> warps;
  ucontext_t scheduler;
  Lane* running;
  Kernel kernel;
  const KernelArguments* arguments;
};

// What a fiber is started with are two numbers of 32 bits, so it finds its block here.
thread_local Block block;

// Lets the scheduler run; it comes back when the lane runs again.
void leave_to_scheduler(State state) {
  Lane& lane = *block.running;
  lane.state = state;
  swapcontext(&lane.context, &block.scheduler);
}

void run_lane() {
  block.kernel(*block.arguments);
  leave_to_scheduler(State::kHasLeft);
}

void start(Lane& lane, const Thread& thread) {
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
std::string exchange_values(Warp& warp) {
  const int step = warp[0].step;
  std::array<uint32_t, kLanes> values;
  for (uint32_t i = 0; i < kLanes; ++i) {
    const Lane& lane = warp[i];
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
    warp[i].value = values[i ^ static_cast<uint32_t>(step)];
    warp[i].state = State::kRuns;
  }
  return {};
}

// Until no lane of it can go on.
std::string run_warp(Warp& warp) {
  for (;;) {
    bool exchanges = false;
    for (Lane& lane : warp) {
      block.running = &lane;
      if (lane.state == State::kRuns) swapcontext(&block.scheduler, &lane.context);
      exchanges |= lane.state == State::kExchanges;
    }
    if (!exchanges) return {};
    const std::string mistake = exchange_values(warp);
    if (!mistake.empty()) return mistake;
  }
}

// Lets all lanes go on that wait for the block. Returns what is wrong with that, or nothing.
std::string release(bool& waits) {
  waits = false;
  const Lane* left = nullptr;
  for (Warp& warp : block.warps) {
    for (Lane& lane : warp) {
      if (lane.state == State::kHasLeft) left = &lane;
      if (lane.state != State::kWaits) continue;
      waits = true;
      lane.state = State::kRuns;
    }
  }
  if (!waits || left == nullptr) return {};
  return name_of(left->thread) + " has left the kernel while its block waits";
}

std::string run_block() {
  for (bool waits = true; waits;) {
    for (Warp& warp : block.warps) {
      const std::string mistake = run_warp(warp);
      if (!mistake.empty()) return mistake;
    }
    const std::string mistake = release(waits);
    if (!mistake.empty()) return mistake;
  }
  return {};
}

}  // namespace

const Thread& current_thread() { return block.running->thread; }

uint32_t exchange(uint32_t value, int step) {
  Lane& lane = *block.running;
  lane.value = value;
  lane.step = step;
  leave_to_scheduler(State::kExchanges);
  return lane.value;
}

void synchronise() { leave_to_scheduler(State::kWaits); }

std::string run_grid(Kernel kernel, const GridSize& size, const KernelArguments& arguments) {
  block.kernel = kernel;
  block.arguments = &arguments;
  if (size.threads % kLanes != 0) return "a block has a part of a warp";
  block.warps.resize(size.threads / kLanes);
  for (uint32_t y = 0; y < size.y; ++y) {
    for (uint32_t x = 0; x < size.x; ++x) {
      uint32_t index = 0;
      for (Warp& warp : block.warps) {
        for (Lane& lane : warp) start(lane, {x, y, index++});
      }
      const std::string mistake = run_block();
      if (!mistake.empty()) return mistake;
    }
  }
  return {};
}

}  // namespace opparity::host
