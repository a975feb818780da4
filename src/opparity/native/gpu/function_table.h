// A hash table from a variant's key to its kernel that is read without a lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace opparity {

// Entries are only added, by one thread at a time. A table that is full is followed by one of twice
// the size, and kept: another thread may be reading it.
class FunctionTable {
 public:
  FunctionTable() { grow(kFirstSize); }

  // Returns nullptr where there is none.
  void* find(uint64_t key) const {
    const Table& table = *current_.load(std::memory_order_acquire);
    for (size_t i = place_of(key, table.mask);; i = (i + 1) & table.mask) {
      void* function = table.slots[i].function.load(std::memory_order_acquire);
      if (function == nullptr || table.slots[i].key == key) return function;
    }
  }

  // `key` is new and `function` is not nullptr.
  void add(uint64_t key, void* function) {
    const Table* table = current_.load(std::memory_order_relaxed);
    if (2 * (count_ + 1) > table->mask + 1) {
      const Table& full = *table;
      grow(2 * (full.mask + 1));
      table = tables_.back().get();
      for (size_t i = 0; i <= full.mask; ++i) {
        void* known = full.slots[i].function.load(std::memory_order_relaxed);
        if (known != nullptr) put(*table, full.slots[i].key, known);
      }
    }
    put(*table, key, function);
    ++count_;
    current_.store(table, std::memory_order_release);
  }

 private:
  static constexpr size_t kFirstSize = 64;

  struct Slot {
    uint64_t key = 0;
    // Written behind the key, which is written once.
    std::atomic<void*> function = nullptr;
  };
  struct Table {
    size_t mask;
    std::unique_ptr<Slot[]> slots;
  };

  // The product carries every bit of the folded key into the bits that are taken, so that keys that
  // differ in few places do not follow one another.
  static size_t place_of(uint64_t key, size_t mask) {
    return static_cast<size_t>(((key ^ (key >> 32)) * 0x9E3779B97F4A7C15u) >> 32) & mask;
  }

  static void put(const Table& table, uint64_t key, void* function) {
    size_t i = place_of(key, table.mask);
    while (table.slots[i].function.load(std::memory_order_relaxed) != nullptr) {
      i = (i + 1) & table.mask;
    }
    table.slots[i].key = key;
    table.slots[i].function.store(function, std::memory_order_release);
  }

  void grow(size_t size) {
    tables_.push_back(std::make_unique<Table>(Table{size - 1, std::make_unique<Slot[]>(size)}));
    if (current_.load(std::memory_order_relaxed) == nullptr) {
      current_.store(tables_.back().get(), std::memory_order_release);
    }
  }

  std::vector<std::unique_ptr<const Table>> tables_;
  std::atomic<const Table*> current_ = nullptr;
  size_t count_ = 0;
};

}  // namespace opparity
